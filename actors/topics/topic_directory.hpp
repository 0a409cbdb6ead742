#pragma once

// All topics, by name. A topic is made by the first who joins it and forgotten
// when it ends:
//
//   join ──► found, or made under the mutex ──► topic::add
//              ▲                                   │ ended: its last subscriber
//              └──── replaced by a new one ◄───────┘ left in this moment
//
// Two who join one name at a time meet in one topic, and nobody is left in a
// topic that the directory has forgotten: an ended topic takes nobody in, and
// only ended topics are forgotten or replaced.

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <troupe/actors/topics/topic.hpp>

namespace troupe {

/// The topics of one kind, or some of them. Thread-safe.
class topic_table {
public:
  using list = std::vector<std::shared_ptr<topic>>;

  /// The topic of this name; a new one when there is none, or only `ended`.
  std::shared_ptr<topic> get_or_create(topic_kind kind, bytes_view name,
                                       const topic* ended);

  /// The topic of this name, or nullptr.
  [[nodiscard]] std::shared_ptr<topic> find(bytes_view name) const noexcept;

  /// Forgets a topic that has ended, if it still stands there.
  void forget(const topic& ended) noexcept;

  /// All topics; made again only when one has come or gone.
  [[nodiscard]] std::shared_ptr<const list> all() const;

  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(std::memory_order_acquire);
  }

private:
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void changed() noexcept;
  void shrink() noexcept;

  mutable std::mutex mutex_;
  std::unordered_map<bytes, std::shared_ptr<topic>, hash, std::equal_to<>>
    topics_;
  mutable std::shared_ptr<const list> all_;
  std::atomic<std::size_t> size_{0};
};

/// Thread-safe.
class topic_directory {
public:
  /// Tells whether a channel matches a pattern.
  using match_function
    = bool (*)(bytes_view pattern, bytes_view channel) noexcept;

  explicit topic_directory(match_function matches) noexcept
    : matches_(matches) {
    // nop
  }

  /// Makes `who` a subscriber of a topic. Throws std::bad_alloc and then has
  /// changed nothing.
  std::shared_ptr<topic> join(topic_kind kind, bytes_view name,
                              const std::shared_ptr<subscriber>& who);

  /// The reverse; `who` hears nothing more of `where`.
  void leave(topic& where, const subscriber& who) noexcept;

  /// Has all subscribers of a channel and of the patterns it matches hear
  /// `payload`, which is copied once. Returns how many deliveries that were.
  /// Complexity: linear in those and in the number of patterns. Throws
  /// std::bad_alloc.
  std::size_t publish(bytes_view channel, bytes_view payload);

  /// The same in the name space of sharded channels, which knows no patterns.
  std::size_t publish_sharded(bytes_view channel, bytes_view payload);

  /// Subscribers of one topic. A snapshot.
  [[nodiscard]] std::size_t subscribers(topic_kind kind, bytes_view name) const;

  /// All topics of a kind, in no order. A snapshot.
  [[nodiscard]] std::vector<std::shared_ptr<topic>> list(topic_kind kind) const;

  /// Number of topics of a kind. A snapshot.
  [[nodiscard]] std::size_t size(topic_kind kind) const noexcept;

private:
  // So that publishers to different channels do not meet.
  static constexpr std::size_t tables_per_kind = 16;
  using tables = std::array<topic_table, tables_per_kind>;

  static std::size_t place_of(topic_kind kind, bytes_view name) noexcept;
  [[nodiscard]] const topic_table& table_of(topic_kind kind,
                                            bytes_view name) const noexcept;
  topic_table& table_of(topic_kind kind, bytes_view name) noexcept;

  match_function matches_;
  std::array<tables, topic_kinds> tables_; // Patterns are all in the first.
};

} // namespace troupe
