#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <apps/bench/trace/policy.hpp>

namespace troupe::bench {

/// Some queues of keys, each key in at most one of them: what most policies are
/// made of. Doubly linked through two arrays, in which every queue owns a slot
/// behind the keys' that closes its ring. All operations take constant time.
class key_queues {
public:
  static constexpr key_id none = std::numeric_limits<key_id>::max();

  /// Room for keys below `keys`, and `queues` empty queues.
  key_queues(std::size_t keys, std::size_t queues)
    : keys_(keys),
      next_(keys + queues, none),
      previous_(keys + queues, none),
      home_(keys, none),
      sizes_(queues) {
    for (std::size_t i = keys; i < keys + queues; ++i)
      next_[i] = previous_[i] = static_cast<key_id>(i);
  }

  /// The queue that `key` is in, or `none`.
  [[nodiscard]] std::size_t home(key_id key) const noexcept {
    return home_[key];
  }

  [[nodiscard]] bool contains(key_id key) const noexcept {
    return home_[key] != none;
  }

  [[nodiscard]] std::size_t size(std::size_t queue) const noexcept {
    return sizes_[queue];
  }

  /// The newest key of a queue, or `none`.
  [[nodiscard]] key_id front(std::size_t queue) const noexcept {
    return key_at(next_[ring(queue)]);
  }

  /// The oldest key of a queue, or `none`.
  [[nodiscard]] key_id back(std::size_t queue) const noexcept {
    return key_at(previous_[ring(queue)]);
  }

  /// The next newer key of the same queue, or `none`. `key` must be in one.
  [[nodiscard]] key_id newer(key_id key) const noexcept {
    return key_at(previous_[key]);
  }

  /// Makes `key`, which is in no queue, the newest of one.
  void push(std::size_t queue, key_id key) noexcept {
    auto end = ring(queue);
    auto first = next_[end];
    next_[end] = previous_[first] = key;
    next_[key] = first;
    previous_[key] = end;
    home_[key] = static_cast<key_id>(queue);
    ++sizes_[queue];
  }

  /// Takes `key` out of the queue it is in.
  void remove(key_id key) noexcept {
    next_[previous_[key]] = next_[key];
    previous_[next_[key]] = previous_[key];
    --sizes_[home_[key]];
    home_[key] = none;
  }

  /// Makes `key`, which is in some queue, the newest of `queue`.
  void move(std::size_t queue, key_id key) noexcept {
    remove(key);
    push(queue, key);
  }

  /// Takes the oldest key out of a queue that is not empty, and returns it.
  key_id pop(std::size_t queue) noexcept {
    auto key = back(queue);
    remove(key);
    return key;
  }

private:
  [[nodiscard]] key_id ring(std::size_t queue) const noexcept {
    return static_cast<key_id>(keys_ + queue);
  }

  [[nodiscard]] key_id key_at(key_id slot) const noexcept {
    return slot < keys_ ? slot : none;
  }

  std::size_t keys_;
  std::vector<key_id> next_;     ///< Towards older keys.
  std::vector<key_id> previous_; ///< Towards newer keys.
  std::vector<key_id> home_;
  std::vector<std::size_t> sizes_;
};

} // namespace troupe::bench
