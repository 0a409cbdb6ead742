#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// Where the parts of an entry lie, its form, and its size: the fixed part, which
/// determines all the rest.
///
///   version 8 | value size 4 | key size, form 4
///   [deadline 8, or sliding deadline 24]
///   key | value, or at the next multiple of 8 the hold of a large_block with it
///   [at the next multiple of 8: time that it may be stale 8, refresh offset 8]
///   [at the next multiple of 8: born 8, number of tags 4, ids of tags 4 each]
class entry_layout {
public:
  // -- the form ----------------------------------------------------------------

  /// Whether its value is in a large block.
  [[nodiscard]] bool large() const noexcept {
    return (form_ & large_bit) != 0;
  }

  /// Whether it has an idle time.
  [[nodiscard]] bool slides() const noexcept {
    return (form_ & sliding_bit) != 0;
  }

  /// Whether the entry has room for a deadline, `never` or not.
  [[nodiscard]] bool has_deadline() const noexcept {
    return (form_ & deadline_bit) != 0;
  }

  [[nodiscard]] bool tagged() const noexcept {
    return (form_ & tagged_bit) != 0;
  }

  /// Whether it has moments besides its deadline; see entry_moments.
  [[nodiscard]] bool has_moments() const noexcept {
    return (form_ & moments_bit) != 0;
  }

  /// Whether it says that the loader found no value.
  [[nodiscard]] bool absence() const noexcept {
    return (form_ & absence_bit) != 0;
  }

  /// Whether it has neither idle time nor tags: `plain_view` holds all that decides
  /// when it expires.
  [[nodiscard]] bool plain() const noexcept {
    return (form_ & (sliding_bit | tagged_bit)) == 0;
  }

  /// Whether it has only key and value, and no room for a deadline. A large entry is
  /// not bare.
  [[nodiscard]] bool bare() const noexcept {
    return (form_ & (deadline_bit | sliding_bit | tagged_bit | large_bit)) == 0;
  }

  /// Whether its block ends with its value: it has no tags and no moments and is not
  /// large.
  [[nodiscard]] bool ends_with_value() const noexcept {
    return (form_ & (tagged_bit | large_bit | moments_bit)) == 0;
  }

  // -- sizes -------------------------------------------------------------------

  /// Bytes of the block for a key and a value of these sizes.
  [[nodiscard]] static std::size_t
  block_size(std::size_t key_size, std::size_t value_size,
             const entry_attributes& with) noexcept {
    const auto front = head_size(with) + key_size + value_size;
    return with.ends_with_value() ? front : size_with_tail(front, with);
  }

  /// Bytes of the block for an entry with a large value and a key of this size.
  [[nodiscard]] static std::size_t
  large_size(std::size_t key_size, const entry_attributes& with) noexcept {
    const auto front
      = round_up(head_size(with) + key_size) + sizeof(value_hold);
    return with.ends_with_value() ? front : size_with_tail(front, with);
  }

  /// Bytes of moments and tags.
  [[nodiscard]] static std::size_t
  tail_size(const entry_attributes& with) noexcept {
    return (with.moments.any() ? moments_bytes : 0)
           + tags_size(with.tags.size());
  }

  /// Bytes of an entry with a tail of this size, and `front` bytes before it.
  [[nodiscard]] static std::size_t whole_size(std::size_t front,
                                              std::size_t tail) noexcept {
    return tail == 0 ? front : round_up(front) + tail;
  }

  /// The same for this entry.
  [[nodiscard]] std::size_t tail_size() const noexcept {
    return moments_size() + (tagged() ? tags_size(tag_count()) : 0);
  }

  /// Bytes of moments.
  static constexpr std::size_t moments_bytes = 2 * sizeof(std::int64_t);

  /// Bytes of its block, without those of a large value.
  [[nodiscard]] std::size_t size() const noexcept {
    if (ends_with_value()) [[likely]]
      return head_size() + key_size() + value_size_;
    return size_with_tail();
  }

  [[nodiscard]] std::size_t value_size() const noexcept {
    return value_size_;
  }

protected:
  entry_layout(version_number version, std::size_t value_size,
               std::uint32_t form) noexcept
    : version_(version),
      value_size_(static_cast<std::uint32_t>(value_size)),
      form_(form) {
    // nop
  }

  ~entry_layout() = default;

  // The form: 22 bits for the key's size, one for a deadline, four for the bytes before
  // the key, in steps of 8, and one each for an idle time, for tags, for a value in a
  // large block, for moments, and for an entry that says that there is no value.
  static constexpr std::size_t step = 8;
  static_assert(step == alignof(value_hold));
  static constexpr std::uint32_t key_size_mask = (1U << 22) - 1;
  static_assert(defaults::largest_key_size <= key_size_mask);
  static constexpr std::uint32_t deadline_bit = 1U << 22;
  static constexpr unsigned head_shift = 23;
  static constexpr std::uint32_t sliding_bit = 1U << 27;
  static constexpr std::uint32_t tagged_bit = 1U << 28;
  static constexpr std::uint32_t large_bit = 1U << 29;
  static constexpr std::uint32_t moments_bit = 1U << 30;
  static constexpr std::uint32_t absence_bit = 1U << 31;

  /// Bytes of tags besides the ids: the sequence of the birth, and their number.
  static constexpr std::size_t tag_head
    = sizeof(std::uint64_t) + sizeof(std::uint32_t);

  /// Bytes before the key.
  [[nodiscard]] static std::size_t
  head_size(const entry_attributes& with) noexcept {
    if (with.slides())
      return sizeof(entry_layout) + sizeof(sliding_deadline);
    return sizeof(entry_layout)
           + (with.deadline != never ? sizeof(std::int64_t) : 0);
  }

  [[nodiscard]] std::size_t head_size() const noexcept {
    return (form_ >> head_shift & 0xf) * step;
  }

  [[nodiscard]] static std::size_t round_up(std::size_t size) noexcept {
    return (size + step - 1) / step * step;
  }

  [[nodiscard]] static std::size_t tags_size(std::size_t count) noexcept {
    return count == 0 ? 0 : round_up(tag_head + count * sizeof(tag_id));
  }

  [[nodiscard]] std::size_t moments_size() const noexcept {
    return has_moments() ? moments_bytes : 0;
  }

  /// Bytes before moments and tags.
  [[nodiscard]] std::size_t front_size() const noexcept {
    if (large()) [[unlikely]]
      return hold_offset() + sizeof(value_hold);
    return head_size() + key_size() + value_size_;
  }

  [[nodiscard]] std::size_t key_size() const noexcept {
    return form_ & key_size_mask;
  }

  /// The offset of a large entry's hold.
  [[nodiscard]] std::size_t hold_offset() const noexcept {
    return round_up(head_size() + key_size());
  }

  /// Only for a tagged entry.
  [[nodiscard]] std::size_t tag_count() const noexcept {
    return *reinterpret_cast<const std::uint32_t*>(tag_block()
                                                   + sizeof(std::uint64_t));
  }

  /// The bytes after the fixed part.
  [[nodiscard]] char* tail() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry_layout*>(this) + 1);
  }

  /// Only with moments.
  [[nodiscard]] char* moments_block() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry_layout*>(this))
           + round_up(front_size());
  }

  [[nodiscard]] char* tag_block() const noexcept {
    return moments_block() + moments_size();
  }

  [[nodiscard]] char* data() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry_layout*>(this))
           + head_size();
  }

  std::atomic<version_number> version_;
  std::uint32_t value_size_;
  std::uint32_t form_;

private:
  /// The size of an entry that does not end with its value. Separate, so that the
  /// frequent path of a write stays short.
  [[nodiscard, gnu::noinline]] static std::size_t
  size_with_tail(std::size_t front, const entry_attributes& with) noexcept {
    return whole_size(front, tail_size(with));
  }

  /// The size of an entry with moments, tags or a large value.
  [[nodiscard, gnu::noinline]] std::size_t size_with_tail() const noexcept {
    return whole_size(front_size(), tail_size());
  }
};

} // namespace troupe::memory
