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
#include <troupe/backends/memory/entries/entry_times.hpp>
#include <troupe/backends/memory/entries/same_bytes.hpp>
#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// A key and its value in one block, together with deadline, idle time, moments and
/// tags; entry_layout describes where they lie.
///
/// Key and value never change once a reader can see the entry; a write publishes
/// another entry. A read may postpone a sliding deadline, which does not count as a
/// change. Only a touch changes an entry in place: deadline first, version second. So a
/// reader that saw the old version may be refused a compare-and-set, but never stores
/// over a change that it did not see. The writer may also postpone the refresh in
/// place, which changes neither value nor version.
class entry : public entry_times {
public:
  // -- building ----------------------------------------------------------------

  /// Builds an entry in a block of `block_size` bytes. The caller has checked that
  /// `key` has at most `defaults::largest_key_size` bytes and `value` at most 512 MiB.
  static entry* make(void* block, bytes_view key, bytes_view value,
                     version_number version,
                     const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value.size(), version, with);
    copy_key(x->data(), key);
    if (!value.empty())
      std::memcpy(x->data() + key.size(), value.data(), value.size());
    return x;
  }

  /// Builds an entry whose value is in a large block, in a block of `large_size` bytes.
  /// Its value is the first `value_size` bytes of `value`; the slab must then take its
  /// hold.
  static entry* make_large(void* block, bytes_view key, large_block& value,
                           std::size_t value_size, version_number version,
                           const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value_size, version, with, large_bit);
    copy_key(x->data(), key);
    new (&x->hold()) value_hold{nullptr, nullptr, &value, 0};
    return x;
  }

  /// Builds the same entry, version included, in another block of its size. For the
  /// writer; other threads may read `x` and postpone its deadline. For a large entry,
  /// the slab must then take the copy's hold.
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
                reinterpret_cast<const char*>(&x) + offset, x.size() - offset);
    return result;
  }

  // -- key and value -----------------------------------------------------------

  [[nodiscard]] bytes_view key() const noexcept {
    return {data(), key_size()};
  }

  [[nodiscard]] bool has_key(bytes_view x) const noexcept {
    return x.size() == key_size() && same_bytes(x.data(), data(), x.size());
  }

  /// Whether it is bare and has this key, whose size is short (`is_short`).
  [[nodiscard]] bool bare_with_short_key(bytes_view x) const noexcept {
    // The form of a bare entry holds only this bit pattern and the key's size.
    constexpr std::uint32_t bare_form = (sizeof(entry) / step) << head_shift;
    return is_short(x.size())
           && form_ == (bare_form | static_cast<std::uint32_t>(x.size()))
           && same_short_bytes(
             x.data(), reinterpret_cast<const char*>(this + 1), x.size());
  }

  [[nodiscard]] bytes_view value() const noexcept {
    if (large()) [[unlikely]]
      return {hold().block->data(), value_size_};
    return {data() + key_size(), value_size_};
  }

  /// Only for a large entry.
  [[nodiscard]] value_hold& hold() const noexcept {
    return *reinterpret_cast<value_hold*>(
      const_cast<char*>(reinterpret_cast<const char*>(this) + hold_offset()));
  }

  [[nodiscard]] version_number version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  // -- the rest ----------------------------------------------------------------

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
    if (has_moments() && result.deadline != never)
      result.moments = {stale_for(), refresh_offset(), absence()};
    return result;
  }

  /// Only for a tagged entry: the sequence of its birth.
  [[nodiscard]] std::uint64_t born() const noexcept {
    return *reinterpret_cast<const std::uint64_t*>(tag_block());
  }

  /// The ids of its tags.
  [[nodiscard]] std::span<const tag_id> tags() const noexcept {
    if (!tagged())
      return {};
    return {reinterpret_cast<const tag_id*>(tag_block() + tag_head),
            tag_count()};
  }

  // -- the view of a reader ----------------------------------------------------

  /// The version is read first; see the class comment.
  [[nodiscard]] entry_view view() const noexcept {
    if (!slides())
      return plain_view();
    auto v = version();
    return {value(),
            v,
            deadline(),
            sliding().end(),
            std::chrono::duration_cast<ttl_duration>(sliding().idle()),
            this};
  }

  /// The same for an entry that does not slide.
  [[nodiscard]] entry_view plain_view() const noexcept {
    auto v = version();
    auto deadline = fixed_deadline();
    return {value(), v, deadline, deadline, no_expiry, this};
  }

  /// The same for a bare entry with a key of `key_size` bytes.
  [[nodiscard]] entry_view bare_view(std::size_t key_size) const noexcept {
    return {{reinterpret_cast<const char*>(this + 1) + key_size, value_size_},
            version(),
            never,
            never,
            no_expiry,
            this};
  }

  [[nodiscard]] staleness moments() const noexcept {
    return {usable_until(), refresh_from(), absence()};
  }

  // -- the only change in place ------------------------------------------------

  /// For an entry that does not slide. `deadline` must be `never` for an entry without
  /// room for a deadline.
  void touch(time_point deadline, version_number version) noexcept {
    if (has_deadline())
      deadline_field().store(deadline.time_since_epoch().count(),
                             std::memory_order_relaxed);
    version_.store(version, std::memory_order_release);
  }

  /// For an entry that slides, at `now`.
  sliding_deadline::move touch_sliding(time_point now, time_point end,
                                       version_number version) noexcept {
    auto result = sliding().touch(now, end);
    version_.store(version, std::memory_order_release);
    return result;
  }

private:
  /// `kind`: `large_bit` or 0; it decides where the tags are.
  entry(bytes_view key, std::size_t value_size, version_number version,
        const entry_attributes& with, std::uint32_t kind = 0) noexcept
    : entry_times(version, value_size,
                  static_cast<std::uint32_t>(key.size()) | kind) {
    if (with.slides()) {
      form_ |= deadline_bit | sliding_bit;
      new (tail()) sliding_deadline(with.idle, with.expiry(), with.deadline);
    } else if (with.deadline != never) {
      form_ |= deadline_bit;
      new (tail())
        std::atomic<std::int64_t>(with.deadline.time_since_epoch().count());
    }
    form_ |= static_cast<std::uint32_t>(head_size(with) / step) << head_shift;
    if (with.ends_with_value())
      return;
    add_tail(with);
  }

  /// Moments and tags. Separate, so that the frequent path stays short.
  [[gnu::noinline]] void add_tail(const entry_attributes& with) noexcept {
    if (with.moments.any()) {
      form_ |= moments_bit | (with.moments.absence ? absence_bit : 0);
      const auto stale = with.moments.stale_for.count();
      std::memcpy(moments_block(), &stale, sizeof(stale));
      new (moments_block() + sizeof(stale))
        std::atomic<std::int64_t>(with.moments.refresh_offset.count());
    }
    if (with.tags.empty())
      return;
    form_ |= tagged_bit;
    const auto count = static_cast<std::uint32_t>(with.tags.size());
    std::memcpy(tag_block(), &with.born, sizeof(with.born));
    std::memcpy(tag_block() + sizeof(with.born), &count, sizeof(count));
    std::memcpy(tag_block() + tag_head, with.tags.data(),
                with.tags.size_bytes());
  }

  /// Copies the fixed part only.
  entry(const entry& x) noexcept
    : entry_times(x.version(), x.value_size_, x.form_) {
    // nop
  }
};

static_assert(sizeof(entry) == 16);

} // namespace troupe::memory
