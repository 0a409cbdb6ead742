#pragma once

// The newest events of a shard's keys, in a ring of slots of a fixed size. An event
// overwrites the oldest one: no allocation, no search, one or two cache lines.
//
// A slot keeps the first bytes of a key. Keys of up to `most_kept` bytes are compared by
// their bytes. A longer key is compared by its first bytes, its size and its hash, which
// only such a key needs.
//
// The memory of the slots is allocated at the first event, so that an idle shard has
// none. Without memory, events are dropped and counted.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/events/key_event.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// Not thread-safe: part of a table, for its writer.
class event_ring {
public:
  /// Bytes of a key that are kept.
  static constexpr std::size_t most_kept = 64;

  /// An event that is added; borrowed.
  struct event {
    key_event_kind kind;
    key_event_kind cause;
    version_number sequence = no_version;
    time_point at = {};
    bytes_view key = {};
    std::uint64_t load = 0;
    bytes_view name = {}; ///< At least the first 23 bytes are kept.
  };

  /// `capacity`: the number of slots; 0: nothing is recorded.
  explicit event_ring(std::size_t capacity = defaults::recorded_events) noexcept
    : capacity_(capacity) {
    // nop
  }

  event_ring(const event_ring&) = delete;
  event_ring& operator=(const event_ring&) = delete;

  /// Constant time. The first call allocates the slots.
  void add(const event& x) noexcept {
    if (slots_ == nullptr && !allocate()) [[unlikely]] {
      ++dropped_;
      return;
    }
    slots_[next_].fill(x);
    if (++next_ == capacity_)
      next_ = 0;
    if (size_ < capacity_)
      ++size_;
  }

  /// Calls `f(const key_event&)` for the events of a key, newest first, until it returns
  /// false. An event of the kind `cleared` concerns all keys. Linear in the capacity. Throws std::bad_alloc.
  template <class F>
  void visit(bytes_view key, F f) const {
    const auto hash = long_hash(key);
    for (std::size_t i = 0; i < size_; ++i) {
      const auto& x = slots_[(next_ + capacity_ - 1 - i) % capacity_];
      if (x.has_key(key, hash) && !f(x.to_event()))
        return;
    }
  }

  /// The number of events in the ring.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// Events that were not recorded because there was no memory.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_;
  }

  /// The memory of the slots, in bytes; 0 before the first event.
  [[nodiscard]] std::size_t reserved() const noexcept {
    return slots_ == nullptr ? 0 : capacity_ * sizeof(slot);
  }

private:
  struct alignas(64) slot {
    std::int64_t at;
    version_number sequence;
    std::uint64_t load;
    std::uint64_t hash; ///< Of a key with more than `most_kept` bytes; else 0.
    std::uint32_t key_size;
    key_event_kind kind;
    key_event_kind cause;
    std::uint8_t kept;
    std::uint8_t named;
    std::array<char, 88> text; ///< The key's first bytes, then the name's.

    void fill(const event& x) noexcept {
      at = x.at.time_since_epoch().count();
      sequence = x.sequence;
      load = x.load;
      hash = long_hash(x.key);
      key_size = static_cast<std::uint32_t>(x.key.size());
      kind = x.kind;
      cause = x.cause;
      kept = static_cast<std::uint8_t>(std::min(x.key.size(), most_kept));
      // An empty key may have no address.
      if (kept != 0)
        std::memcpy(text.data(), x.key.data(), kept);
      named = static_cast<std::uint8_t>(
        std::min(x.name.size(), text.size() - kept));
      if (named != 0)
        std::memcpy(text.data() + kept, x.name.data(), named);
    }

    [[nodiscard]] bool has_key(bytes_view key,
                               std::uint64_t key_hash) const noexcept {
      return kind == key_event_kind::cleared
             || (key_size == key.size() && hash == key_hash
                 && key.substr(0, kept) == bytes_view{text.data(), kept});
    }

    [[nodiscard]] key_event to_event() const {
      return {kind,     cause,
              sequence, time_point{std::chrono::nanoseconds{at}},
              load,     bytes{text.data() + kept, named}};
    }
  };

  static_assert(sizeof(slot) == 128);

  [[nodiscard]] static std::uint64_t long_hash(bytes_view key) noexcept {
    return key.size() > most_kept ? hash_key(key) : 0;
  }

  [[nodiscard]] bool allocate() noexcept {
    if (capacity_ == 0)
      return false;
    slots_.reset(new (std::nothrow) slot[capacity_]);
    return slots_ != nullptr;
  }

  std::unique_ptr<slot[]> slots_;
  std::size_t capacity_;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::uint64_t dropped_ = 0;
};

} // namespace troupe::memory
