#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include <troupe/backends/memory/entry_view.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// What an entry carries beside key and value; both parts cost memory only where
/// they are used.
struct entry_attributes {
  time_point deadline = never;

  /// `born` counts only with tags; see invalidations.hpp.
  std::uint64_t born = 0;
  std::span<const std::uint16_t> marks = {};
};

/// A key and its value in one block:
///
///   version 8 | value size 4 | key size, form 4 | [deadline 8] | [born 8, marks 2
///   each, in steps of 8] | key | value
///
/// Key and value never change once a reader can see the entry; a write
/// publishes another entry. Only a touch changes anything in place: deadline
/// first, version second, so that a reader who saw the old version may be
/// refused a compare-and-set, but never stores over a change it did not see.
class entry {
public:
  /// Bytes of the block for a key and a value of these sizes.
  [[nodiscard]] static std::size_t
  block_size(std::size_t key_size, std::size_t value_size,
             const entry_attributes& with) noexcept {
    return head_size(with) + key_size + value_size;
  }

  /// Bytes of that before the value.
  [[nodiscard]] static std::size_t
  size_before_value(std::size_t key_size, const entry_attributes& with) noexcept {
    return head_size(with) + key_size;
  }

  /// Builds an entry in a block of `block_size` bytes, where the value may be in
  /// its place already. `key` is at most 64 KiB and `value` at most 512 MiB: the
  /// caller checked.
  static entry* make(void* block, bytes_view key, bytes_view value,
                     version_number version,
                     const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value, version, with);
    copy_key(x->data(), key);
    if (!value.empty() && value.data() != x->data() + key.size())
      std::memcpy(x->data() + key.size(), value.data(), value.size());
    return x;
  }

  [[nodiscard]] bytes_view key() const noexcept {
    return {data(), key_size()};
  }

  [[nodiscard]] bool has_key(bytes_view x) const noexcept {
    return x.size() == key_size() && same_bytes(x.data(), data(), x.size());
  }

  [[nodiscard]] bytes_view value() const noexcept {
    return {data() + key_size(), value_size_};
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return head_size() + key_size() + value_size_;
  }

  [[nodiscard]] version_number version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  [[nodiscard]] time_point deadline() const noexcept {
    if (!has_deadline())
      return never;
    return time_point{std::chrono::nanoseconds{
      deadline_field().load(std::memory_order_relaxed)}};
  }

  [[nodiscard]] bool expires() const noexcept {
    return deadline() != never;
  }

  /// Whether the entry has room for a deadline, `never` or not.
  [[nodiscard]] bool has_deadline() const noexcept {
    return (form_ & deadline_bit) != 0;
  }

  [[nodiscard]] bool tagged() const noexcept {
    return mark_count() != 0;
  }

  [[nodiscard]] entry_attributes attributes() const noexcept {
    entry_attributes result;
    result.deadline = deadline();
    if (tagged()) {
      result.born = *reinterpret_cast<const std::uint64_t*>(tag_block());
      result.marks = {reinterpret_cast<const std::uint16_t*>(
                        tag_block() + sizeof(std::uint64_t)),
                      mark_count()};
    }
    return result;
  }

  /// `deadline` must be `never` for an entry without room for one.
  void touch(time_point deadline, version_number version) noexcept {
    if (has_deadline())
      deadline_field().store(deadline.time_since_epoch().count(),
                             std::memory_order_relaxed);
    version_.store(version, std::memory_order_release);
  }

  /// The version is read first; see the class comment.
  [[nodiscard]] entry_view view() const noexcept {
    auto v = version();
    return {value(), v, deadline(), this};
  }

private:
  entry(bytes_view key, bytes_view value, version_number version,
        const entry_attributes& with) noexcept
    : version_(version),
      value_size_(static_cast<std::uint32_t>(value.size())),
      form_(static_cast<std::uint32_t>(key.size())) {
    if (with.deadline != never) {
      form_ |= deadline_bit;
      new (tail()) std::atomic<std::int64_t>(
        with.deadline.time_since_epoch().count());
    }
    form_ |= static_cast<std::uint32_t>(head_size(with) / step) << head_shift;
    if (with.marks.empty())
      return;
    form_ |= static_cast<std::uint32_t>(with.marks.size()) << marks_shift;
    std::memcpy(tag_block(), &with.born, sizeof(with.born));
    std::memcpy(tag_block() + sizeof(with.born), with.marks.data(),
                with.marks.size_bytes());
  }

  /// Bytes before the key.
  [[nodiscard]] static std::size_t
  head_size(const entry_attributes& with) noexcept {
    auto result = sizeof(entry);
    if (with.deadline != never)
      result += sizeof(std::int64_t);
    if (!with.marks.empty())
      result += sizeof(std::uint64_t)
                + (with.marks.size_bytes() + step - 1) / step * step;
    return result;
  }

  [[nodiscard]] std::size_t head_size() const noexcept {
    return (form_ >> head_shift & 0xf) * step;
  }

  [[nodiscard]] std::size_t key_size() const noexcept {
    return form_ & key_size_mask;
  }

  [[nodiscard]] std::size_t mark_count() const noexcept {
    return form_ >> marks_shift & 0xf;
  }

  [[nodiscard]] std::atomic<std::int64_t>& deadline_field() const noexcept {
    return *reinterpret_cast<std::atomic<std::int64_t>*>(tail());
  }

  /// What follows the fixed part.
  [[nodiscard]] char* tail() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry*>(this) + 1);
  }

  [[nodiscard]] char* tag_block() const noexcept {
    return tail() + (has_deadline() ? sizeof(std::int64_t) : 0);
  }

  /// Copies keys of 8 to 16 bytes, the most frequent ones, in place: calling
  /// std::memcpy costs more than that.
  static void copy_key(char* to, bytes_view key) noexcept {
    auto n = key.size();
    if (n - 8 <= 8) [[likely]] {
      std::uint64_t first;
      std::uint64_t last;
      std::memcpy(&first, key.data(), sizeof(first));
      std::memcpy(&last, key.data() + n - 8, sizeof(last));
      std::memcpy(to, &first, sizeof(first));
      std::memcpy(to + n - 8, &last, sizeof(last));
    } else if (n > 0) {
      std::memcpy(to, key.data(), n);
    }
  }

  /// Compares such keys in place, for the same reason.
  [[nodiscard]] static bool same_bytes(const char* x, const char* y,
                                       std::size_t n) noexcept {
    if (n - 8 > 8) [[unlikely]]
      return same_other_bytes(x, y, n);
    auto word = [](const char* from) {
      std::uint64_t result;
      std::memcpy(&result, from, sizeof(result));
      return result;
    };
    return ((word(x) ^ word(y)) | (word(x + n - 8) ^ word(y + n - 8))) == 0;
  }

  /// Apart, so that the compiler keeps the frequent way short.
  [[nodiscard, gnu::noinline]] static bool
  same_other_bytes(const char* x, const char* y, std::size_t n) noexcept {
    return bytes_view{x, n} == bytes_view{y, n};
  }

  [[nodiscard]] char* data() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry*>(this)) + head_size();
  }

  // The form: 17 bits for the key's size, one for a deadline, and four each for
  // the bytes before the key, in steps of 8, and the number of marks.
  static constexpr std::size_t step = 8;
  static constexpr std::uint32_t key_size_mask = (1U << 17) - 1;
  static constexpr std::uint32_t deadline_bit = 1U << 17;
  static constexpr unsigned head_shift = 18;
  static constexpr unsigned marks_shift = 22;

  std::atomic<version_number> version_;
  std::uint32_t value_size_;
  std::uint32_t form_;
};

static_assert(sizeof(entry) == 16);

} // namespace troupe::memory
