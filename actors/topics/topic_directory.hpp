#pragma once

// All topics, by name. The first subscriber makes a topic; the directory forgets it
// when it ends:
//
//   join ──► found, or made under the mutex ──► topic::add
//              ▲                                   │ ended: its last subscriber
//              └──── replaced by a new one ◄───────┘ left in this moment
//
// Two subscribers that join one name at the same time join the same topic. No
// subscriber stays in a topic that the directory has forgotten: an ended topic accepts
// no subscriber, and only ended topics are forgotten or replaced.

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

/// The topics of one kind, or a part of them. Thread-safe.
class topic_table {
public:
  using list = std::vector<std::shared_ptr<topic>>;

  /// Returns the topic of this name; makes one when there is none, or only `ended`.
  std::shared_ptr<topic> get_or_create(topic_kind kind, bytes_view name,
                                       const topic* ended);

  /// Returns the topic of this name, or nullptr.
  [[nodiscard]] std::shared_ptr<topic> find(bytes_view name) const noexcept;

  /// Forgets a topic that has ended, if the table still holds it.
  void forget(const topic& ended) noexcept;

  /// All topics. The list is made anew only after a topic was added or removed.
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

/// All topics of a runtime. Thread-safe.
class topic_directory {
public:
  /// Whether a channel matches a pattern.
  using match_function
    = bool (*)(bytes_view pattern, bytes_view channel) noexcept;

  explicit topic_directory(match_function matches) noexcept
    : matches_(matches) {
    // nop
  }

  /// Makes `who` a subscriber of a topic, and returns the topic. Throws std::bad_alloc;
  /// nothing has changed then.
  std::shared_ptr<topic> join(topic_kind kind, bytes_view name,
                              const std::shared_ptr<subscriber>& who);

  /// Ends the subscription; `who` receives nothing more from `where`.
  void leave(topic& where, const subscriber& who) noexcept;

  /// Sends `payload`, which is copied once, to all subscribers of a channel and of the
  /// patterns it matches. Returns the number of deliveries. Complexity: linear in these
  /// and in the number of patterns. Throws std::bad_alloc.
  std::size_t publish(bytes_view channel, bytes_view payload);

  /// Sends `payload` to all subscribers of a sharded channel. Sharded channels are a
  /// name space of their own, without patterns. Returns the number of deliveries.
  /// Throws std::bad_alloc.
  std::size_t publish_sharded(bytes_view channel, bytes_view payload);

  /// Subscribers of one topic. A snapshot.
  [[nodiscard]] std::size_t subscribers(topic_kind kind, bytes_view name) const;

  /// All topics of a kind, in no order. A snapshot.
  [[nodiscard]] std::vector<std::shared_ptr<topic>> list(topic_kind kind) const;

  /// Number of topics of a kind. A snapshot.
  [[nodiscard]] std::size_t size(topic_kind kind) const noexcept;

private:
  // Several tables, so that publishers to different channels rarely use the same one.
  static constexpr std::size_t tables_per_kind = 16;
  using tables = std::array<topic_table, tables_per_kind>;

  static std::size_t place_of(topic_kind kind, bytes_view name) noexcept;
  [[nodiscard]] const topic_table& table_of(topic_kind kind,
                                            bytes_view name) const noexcept;
  topic_table& table_of(topic_kind kind, bytes_view name) noexcept;

  match_function matches_;
  std::array<tables, topic_kinds> tables_; // Patterns use only the first table.
};

} // namespace troupe
