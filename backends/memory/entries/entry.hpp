#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/entries/same_bytes.hpp>
#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>

namespace troupe::memory {

/// A key and its value in one block:
///
///   version 8 | value size 4 | key size, form 4
///   [deadline 8, or sliding deadline 24]
///   key | value, or at the next multiple of 8 the hold of a large_block with it
///   [at the next multiple of 8: born 8, number of tags 4, ids of tags 4 each]
///
/// Key and value never change once a reader can see the entry; a write
/// publishes another entry. A read may put off a deadline that slides, which is no
/// change. Only a touch changes anything in place: deadline first, version second,
/// so that a reader who saw the old version may be refused a compare-and-set, but
/// never stores over a change it did not see.
class entry {
public:
  /// Bytes of the block for a key and a value of these sizes.
  [[nodiscard]] static std::size_t
  block_size(std::size_t key_size, std::size_t value_size,
             const entry_attributes& with) noexcept {
    const auto untagged = head_size(with) + key_size + value_size;
    return with.tags.empty() ? untagged
                             : tagged_size(untagged, with.tags.size());
  }

  /// Builds an entry in a block of `block_size` bytes. `key` is at most
  /// `defaults::largest_key_size` and `value` at most 512 MiB: the caller checked.
  static entry* make(void* block, bytes_view key, bytes_view value,
                     version_number version,
                     const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value.size(), version, with);
    copy_key(x->data(), key);
    if (!value.empty())
      std::memcpy(x->data() + key.size(), value.data(), value.size());
    return x;
  }

  // -- an entry whose value is in a large block -------------------------------

  [[nodiscard]] bool large() const noexcept {
    return (form_ & large_bit) != 0;
  }

  /// Only of a large one.
  [[nodiscard]] value_hold& hold() const noexcept {
    return *reinterpret_cast<value_hold*>(const_cast<char*>(
      reinterpret_cast<const char*>(this) + hold_offset()));
  }

  /// Bytes of the block for one with a key of this size.
  [[nodiscard]] static std::size_t
  large_size(std::size_t key_size, const entry_attributes& with) noexcept {
    const auto untagged = round_up(head_size(with) + key_size)
                          + sizeof(value_hold);
    return with.tags.empty() ? untagged
                             : tagged_size(untagged, with.tags.size());
  }

  /// Builds one in a block of `large_size` bytes. Its value is the first
  /// `value_size` bytes of `value`; the slab has yet to take its hold.
  static entry* make_large(void* block, bytes_view key, large_block& value,
                           std::size_t value_size, version_number version,
                           const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value_size, version, with, large_bit);
    copy_key(x->data(), key);
    new (&x->hold()) value_hold{nullptr, nullptr, &value, 0};
    return x;
  }

  // ---------------------------------------------------------------------------

  /// Builds the same entry in another block of its size, version included. For
  /// the writer, while others read `x` and may put off its deadline. Of a large
  /// one, the slab has yet to take the copy's hold.
  static entry* copy(void* block, const entry& x) noexcept {
    auto* result = new (block) entry(x);
    auto offset = sizeof(entry);
    if (x.slides()) {
      auto& slide = x.sliding();
      new (result->tail())
        sliding_deadline(slide.idle(), slide.deadline(), slide.end());
      offset += sizeof(sliding_deadline);
    }
    std::memcpy(reinterpret_cast<char*>(result) + offset,
                reinterpret_cast<const char*>(&x) + offset,
                x.size() - offset);
    return result;
  }

  [[nodiscard]] bytes_view key() const noexcept {
    return {data(), key_size()};
  }

  [[nodiscard]] bool has_key(bytes_view x) const noexcept {
    return x.size() == key_size() && same_bytes(x.data(), data(), x.size());
  }

  /// Whether it is bare, and has this key, which is of a short size (`is_short`).
  [[nodiscard]] bool bare_with_short_key(bytes_view x) const noexcept {
    // Of a bare one, the form says nothing but that and the key's size.
    constexpr std::uint32_t bare_form = (sizeof(entry) / step) << head_shift;
    return is_short(x.size())
           && form_ == (bare_form | static_cast<std::uint32_t>(x.size()))
           && same_short_bytes(x.data(),
                               reinterpret_cast<const char*>(this + 1),
                               x.size());
  }

  [[nodiscard]] bytes_view value() const noexcept {
    if (large()) [[unlikely]]
      return {hold().block->data(), value_size_};
    return {data() + key_size(), value_size_};
  }

  /// Whether its block ends with its value: it has no tags and is not large.
  [[nodiscard]] bool ends_with_value() const noexcept {
    return (form_ & (tagged_bit | large_bit)) == 0;
  }

  /// Bytes of its block. Those of a large value are elsewhere.
  [[nodiscard]] std::size_t size() const noexcept {
    if (ends_with_value()) [[likely]]
      return head_size() + key_size() + value_size_;
    return size_with_more();
  }

  [[nodiscard]] std::size_t value_size() const noexcept {
    return value_size_;
  }

  [[nodiscard]] version_number version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  /// When it expires; with an idle time, if nobody comes.
  [[nodiscard]] time_point deadline() const noexcept {
    return slides() ? sliding().expiry() : fixed_deadline();
  }

  [[nodiscard]] bool expires() const noexcept {
    return deadline() != never;
  }

  /// Whether the entry has room for a deadline, `never` or not.
  [[nodiscard]] bool has_deadline() const noexcept {
    return (form_ & deadline_bit) != 0;
  }

  /// Whether it has expired at `now`.
  [[nodiscard]] bool expired(time_point now) const noexcept {
    return slides() ? sliding().passed(now) : fixed_deadline() <= now;
  }

  /// Whether it has an idle time.
  [[nodiscard]] bool slides() const noexcept {
    return (form_ & sliding_bit) != 0;
  }

  /// Only of one that slides.
  [[nodiscard]] sliding_deadline& sliding() const noexcept {
    return *reinterpret_cast<sliding_deadline*>(tail());
  }

  [[nodiscard]] bool tagged() const noexcept {
    return (form_ & tagged_bit) != 0;
  }

  /// Whether it has neither idle time nor tags: `plain_view` tells all there is
  /// to know about its life.
  [[nodiscard]] bool plain() const noexcept {
    return (form_ & (sliding_bit | tagged_bit)) == 0;
  }

  /// Whether it has nothing but key and value: no room for a deadline either. A
  /// large one is not bare.
  [[nodiscard]] bool bare() const noexcept {
    return (form_ & (deadline_bit | sliding_bit | tagged_bit | large_bit)) == 0;
  }

  [[nodiscard]] entry_attributes attributes() const noexcept {
    entry_attributes result;
    if (slides()) {
      result.deadline = sliding().end();
      result.idle = sliding().idle();
      result.idle_until = sliding().deadline();
    } else {
      result.deadline = fixed_deadline();
    }
    if (tagged()) {
      result.born = born();
      result.tags = tags();
    }
    return result;
  }

  /// Only of one that is tagged: when it was born.
  [[nodiscard]] std::uint64_t born() const noexcept {
    return *reinterpret_cast<const std::uint64_t*>(tag_block());
  }

  /// The ids of its tags.
  [[nodiscard]] std::span<const tag_id> tags() const noexcept {
    if (!tagged())
      return {};
    return {reinterpret_cast<const tag_id*>(tag_block() + tag_head), tag_count()};
  }

  /// For one that does not slide. `deadline` must be `never` for an entry without
  /// room for one.
  void touch(time_point deadline, version_number version) noexcept {
    if (has_deadline())
      deadline_field().store(deadline.time_since_epoch().count(),
                             std::memory_order_relaxed);
    version_.store(version, std::memory_order_release);
  }

  /// For one that slides, at `now`.
  sliding_deadline::move touch_sliding(time_point now, time_point end,
                                       version_number version) noexcept {
    auto result = sliding().touch(now, end);
    version_.store(version, std::memory_order_release);
    return result;
  }

  /// The version is read first; see the class comment.
  [[nodiscard]] entry_view view() const noexcept {
    if (!slides())
      return plain_view();
    auto v = version();
    return {value(), v, deadline(), sliding().end(),
            std::chrono::duration_cast<ttl_duration>(sliding().idle()),
            this};
  }

  /// The same, of one that does not slide.
  [[nodiscard]] entry_view plain_view() const noexcept {
    auto v = version();
    auto deadline = fixed_deadline();
    return {value(), v, deadline, deadline, no_expiry, this};
  }

  /// The same, of one that is bare and has a key of so many bytes.
  [[nodiscard]] entry_view bare_view(std::size_t key_size) const noexcept {
    return {{reinterpret_cast<const char*>(this + 1) + key_size, value_size_},
            version(), never, never, no_expiry, this};
  }

private:
  /// `kind` is `large_bit` or nothing: it says where the tags are.
  entry(bytes_view key, std::size_t value_size, version_number version,
        const entry_attributes& with, std::uint32_t kind = 0) noexcept
    : version_(version),
      value_size_(static_cast<std::uint32_t>(value_size)),
      form_(static_cast<std::uint32_t>(key.size()) | kind) {
    if (with.slides()) {
      form_ |= deadline_bit | sliding_bit;
      new (tail()) sliding_deadline(with.idle, with.expiry(), with.deadline);
    } else if (with.deadline != never) {
      form_ |= deadline_bit;
      new (tail()) std::atomic<std::int64_t>(
        with.deadline.time_since_epoch().count());
    }
    form_ |= static_cast<std::uint32_t>(head_size(with) / step) << head_shift;
    if (with.tags.empty())
      return;
    form_ |= tagged_bit;
    const auto count = static_cast<std::uint32_t>(with.tags.size());
    std::memcpy(tag_block(), &with.born, sizeof(with.born));
    std::memcpy(tag_block() + sizeof(with.born), &count, sizeof(count));
    std::memcpy(tag_block() + tag_head, with.tags.data(),
                with.tags.size_bytes());
  }

  /// The fixed part alone.
  entry(const entry& x) noexcept
    : version_(x.version()), value_size_(x.value_size_), form_(x.form_) {
    // nop
  }

  /// Bytes before the key.
  [[nodiscard]] static std::size_t
  head_size(const entry_attributes& with) noexcept {
    if (with.slides())
      return sizeof(entry) + sizeof(sliding_deadline);
    return sizeof(entry)
           + (with.deadline != never ? sizeof(std::int64_t) : 0);
  }

  [[nodiscard]] std::size_t head_size() const noexcept {
    return (form_ >> head_shift & 0xf) * step;
  }

  [[nodiscard]] static std::size_t round_up(std::size_t size) noexcept {
    return (size + step - 1) / step * step;
  }

  /// Bytes of an entry with so many tags that has `untagged` without them.
  [[nodiscard]] static std::size_t tagged_size(std::size_t untagged,
                                               std::size_t count) noexcept {
    return round_up(untagged) + round_up(tag_head + count * sizeof(tag_id));
  }

  /// The size of one with tags or a large value.
  [[nodiscard, gnu::noinline]] std::size_t size_with_more() const noexcept {
    return tagged() ? tagged_size(untagged_size(), tag_count())
                    : untagged_size();
  }

  [[nodiscard]] std::size_t untagged_size() const noexcept {
    if (large()) [[unlikely]]
      return hold_offset() + sizeof(value_hold);
    return head_size() + key_size() + value_size_;
  }

  [[nodiscard]] std::size_t key_size() const noexcept {
    return form_ & key_size_mask;
  }

  /// Where a large one's hold is.
  [[nodiscard]] std::size_t hold_offset() const noexcept {
    return round_up(head_size() + key_size());
  }

  /// Only of one that is tagged.
  [[nodiscard]] std::size_t tag_count() const noexcept {
    return *reinterpret_cast<const std::uint32_t*>(tag_block()
                                                   + sizeof(std::uint64_t));
  }

  [[nodiscard]] time_point fixed_deadline() const noexcept {
    if (!has_deadline())
      return never;
    return time_point{std::chrono::nanoseconds{
      deadline_field().load(std::memory_order_relaxed)}};
  }

  [[nodiscard]] std::atomic<std::int64_t>& deadline_field() const noexcept {
    return *reinterpret_cast<std::atomic<std::int64_t>*>(tail());
  }

  /// What follows the fixed part.
  [[nodiscard]] char* tail() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry*>(this) + 1);
  }

  [[nodiscard]] char* tag_block() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry*>(this))
           + round_up(untagged_size());
  }

  [[nodiscard]] char* data() const noexcept {
    return reinterpret_cast<char*>(const_cast<entry*>(this)) + head_size();
  }

  // The form: 22 bits for the key's size, one for a deadline, four for the bytes
  // before the key, in steps of 8, and one each for an idle time, for tags and for a
  // value in a large block.
  static constexpr std::size_t step = 8;
  static_assert(step == alignof(value_hold));
  static constexpr std::uint32_t key_size_mask = (1U << 22) - 1;
  static_assert(defaults::largest_key_size <= key_size_mask);
  static constexpr std::uint32_t deadline_bit = 1U << 22;
  static constexpr unsigned head_shift = 23;
  static constexpr std::uint32_t sliding_bit = 1U << 27;
  static constexpr std::uint32_t tagged_bit = 1U << 28;
  static constexpr std::uint32_t large_bit = 1U << 29;

  /// Of what tags take: the sequence of the birth, and their number.
  static constexpr std::size_t tag_head
    = sizeof(std::uint64_t) + sizeof(std::uint32_t);

  std::atomic<version_number> version_;
  std::uint32_t value_size_;
  std::uint32_t form_;
};

static_assert(sizeof(entry) == 16);

} // namespace troupe::memory
