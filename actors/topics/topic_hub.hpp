#pragma once

// The hub of a runtime's topics. Calls (`topics`, actors/topics.hpp), messages of
// actors (topics_actor.hpp) and the clients of a server all publish and subscribe here.
//
// Threading: plain C++, thread-safe. Publishing puts the message in the queues of all
// subscribers on the caller's thread. It calls no function of a listener.

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

/// The longest name of a channel in bytes. It is limited because each published name is
/// compared with every pattern.
inline constexpr std::size_t longest_channel = 64 * 1024;

/// Publishes, subscribes, and keeps the listeners of a runtime. Owned by a shared_ptr.
/// Errors of all calls: `shutting_down` (after `close`), `out_of_memory`.
class topic_hub final : public listener_home,
                        public std::enable_shared_from_this<topic_hub> {
public:
  /// The functions of listeners run on `workers`, which must not be null.
  explicit topic_hub(std::shared_ptr<worker_pool> workers);

  /// See `topics::publish`.
  expected<std::size_t> publish(bytes_view channel, bytes_view payload);

  /// Publishes to a sharded channel. Sharded channels are a name space of their own,
  /// without patterns. Does not limit the length of the name.
  expected<std::size_t> publish_sharded(bytes_view channel, bytes_view payload);

  /// See `topics::subscribe`.
  expected<subscription> listen(topic_kind kind, bytes_view name,
                                message_function f, subscribe_options options);

  /// Whether a topic may have this name. Errors: `invalid_argument` (a pattern of more
  /// than `longest_pattern` bytes, a channel's name of more than `longest_channel`).
  [[nodiscard]] static expected<void> check_name(topic_kind kind,
                                                 bytes_view name);

  /// For figures, and for owners of subscribers of their own (`subscriptions`). `close`
  /// and `drain` do not end those subscribers.
  [[nodiscard]] topic_directory& directory() noexcept {
    return directory_;
  }

  [[nodiscard]] const topic_directory& directory() const noexcept {
    return directory_;
  }

  /// Number of listeners that have not ended. A snapshot.
  [[nodiscard]] std::size_t listeners() const;

  /// False after `close`.
  [[nodiscard]] bool open() const noexcept {
    return open_.load(std::memory_order_acquire);
  }

  // -- for the runtime -----------------------------------------------------------

  /// Posts jobs again for which the queue of the worker threads had no room.
  void tick() noexcept;

  /// Refuses to publish and to subscribe from now on.
  void close() noexcept;

  /// Closes the hub. Lets each listener receive the messages that wait for it, then
  /// ends it, at `deadline` at the latest. Returns the texts of the first 100 listeners
  /// that had not ended by themselves, and a text that counts the others.
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

  /// Guards the members below. `open_` becomes false only under it.
  mutable std::mutex mutex_;
  std::map<const topic_listener*, std::weak_ptr<topic_listener>> listeners_;
};

} // namespace troupe
