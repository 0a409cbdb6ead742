#pragma once

// The topics of a runtime: what is published and subscribed, whether by call, by
// message (topics_actor.hpp) or by clients of a server. `topics` (actors/topics.hpp) is
// the handle for programs.
//
// Threading: plain C++, thread-safe. Publishing puts the message in the queues of all
// subscribers on the caller's thread and calls no function of a subscriber.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <troupe/actors/topics/topic_directory.hpp>
#include <troupe/actors/topics/topic_listener.hpp>
#include <troupe/backends/core/worker_pool.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Longest name of a channel in bytes: it is compared with every pattern.
inline constexpr std::size_t longest_channel = 64 * 1024;

/// Errors of all calls: `shutting_down`, after `close`; `out_of_memory`.
class topic_hub final : public listener_home,
                        public std::enable_shared_from_this<topic_hub> {
public:
  /// Calls of listeners run on `workers`, which must not be null.
  explicit topic_hub(std::shared_ptr<worker_pool> workers);

  /// See `topics::publish`.
  expected<std::size_t> publish(bytes_view channel, bytes_view payload);

  /// The same in the name space of sharded channels, which knows no patterns.
  expected<std::size_t> publish_sharded(bytes_view channel, bytes_view payload);

  /// See `topics::subscribe`.
  expected<subscription> listen(topic_kind kind, bytes_view name,
                                message_function f, subscribe_options options);

  /// Whether a topic may have this name. Errors: `invalid_argument`.
  [[nodiscard]] static expected<void> check_name(topic_kind kind,
                                                 bytes_view name);

  /// For owners of queues of their own (`subscriptions`), which end by themselves, and
  /// for figures.
  [[nodiscard]] topic_directory& directory() noexcept {
    return directory_;
  }

  [[nodiscard]] const topic_directory& directory() const noexcept {
    return directory_;
  }

  /// Listeners that have not ended. A snapshot.
  [[nodiscard]] std::size_t listeners() const;

  [[nodiscard]] bool open() const noexcept {
    return open_.load(std::memory_order_acquire);
  }

  // -- for the runtime -----------------------------------------------------------

  /// Posts jobs again that the worker threads had no room for.
  void tick() noexcept;

  /// Takes nothing new from now on.
  void close() noexcept;

  /// Closes it. Waits until `deadline` for what waits for listeners to be
  /// delivered, and ends them. Returns the first 100 listeners that had not ended
  /// then, and how many more there are.
  [[nodiscard]] std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline);

  // -- for listeners -------------------------------------------------------------

  void leave(topic& where, const topic_listener& x) noexcept override {
    directory_.leave(where, x);
  }

  void forget(const topic_listener& x) noexcept override;

  void note_missed() noexcept override {
    missed_.store(true, std::memory_order_release);
  }

private:
  [[nodiscard]] expected<void> admit(const std::shared_ptr<topic_listener>& x);
  [[nodiscard]] std::vector<std::shared_ptr<topic_listener>> all() const;

  const std::shared_ptr<worker_pool> workers_;
  topic_directory directory_;
  std::atomic<bool> open_{true};
  std::atomic<bool> missed_{false};

  mutable std::mutex mutex_; ///< Guards what follows, and the end of `open_`.
  std::map<const topic_listener*, std::weak_ptr<topic_listener>> listeners_;
};

} // namespace troupe
