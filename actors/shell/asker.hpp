#pragma once

// Sends requests to actors of another process, from a plain thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/catch_all.hpp>
#include <caf/scoped_actor.hpp>

#include <tl/expected.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Why a request has no answer.
struct no_answer {
  enum class reason : std::uint8_t {
    late,    ///< No reply came in time; the request may still take effect.
    lost,    ///< The other process is gone.
    refused, ///< The actor answered with an error, or has ended.
  };

  reason why = reason::refused;
  error text = {}; ///< The error of a refused request.
};

template <class T>
using answered = tl::expected<T, no_answer>;

/// An actor system with one thread, only for requests. Not thread-safe.
class asker {
public:
  asker();
  ~asker();

  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;

  /// For finding a first actor; see `connect` (gate/remote.hpp).
  [[nodiscard]] caf::actor_system& system() noexcept;

  /// From now on, treats the end of this actor as the end of its process: a request in
  /// progress then ends at once, for which CAF would wait until the timeout.
  template <class Handle>
  void follow(const Handle& peer) {
    follow_actor(caf::actor_cast<caf::strong_actor_ptr>(peer));
  }

  /// Whether requests can be sent: an actor is followed, and lives.
  [[nodiscard]] bool is_connected() const;

  /// Sends `what`, and calls `on_reply` with the values of the reply.
  template <class Handle, class Request, class F>
  answered<void> exchange(const Handle& whom, std::chrono::milliseconds timeout,
                          const Request& what, F on_reply) {
    std::optional<no_answer> failure;
    auto pending = self()->request(whom, timeout, what);
    if (!begin(pending.id()))
      return tl::unexpected{no_answer{no_answer::reason::lost}};
    auto on_error = [&](const caf::error& x) { failure = explain(x); };
    if constexpr (caf::is_catch_all<F>::value)
      pending.receive(on_error, std::move(on_reply));
    else
      pending.receive(std::move(on_reply), on_error);
    end(failure);
    if (failure)
      return tl::unexpected{std::move(*failure)};
    return {};
  }

  /// The same for any message to any actor; returns the reply.
  answered<caf::message> exchange(const caf::strong_actor_ptr& whom,
                                  std::chrono::milliseconds timeout,
                                  const caf::message& what);

private:
  class lifeline;
  struct home;

  void follow_actor(const caf::strong_actor_ptr& peer);
  [[nodiscard]] caf::scoped_actor& self();
  [[nodiscard]] bool begin(caf::message_id response);
  void end(const std::optional<no_answer>& failure);
  [[nodiscard]] no_answer explain(const caf::error& x) const;

  std::unique_ptr<home> home_;
  std::shared_ptr<lifeline> lifeline_;
  /// The same actor as long as possible, because the other process knows this one by
  /// it.
  std::optional<caf::scoped_actor> self_;
};

} // namespace troupe
