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
#include <troupe/backends/memory/entries/entry_layout.hpp>
#include <troupe/backends/memory/entries/same_bytes.hpp>
#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// A key and its value in one block, together with what else they carry; entry_layout
/// says what lies where in it.
///
/// Key and value never change once a reader can see the entry; a write
/// publishes another entry. A read may put off a deadline that slides, which is no
/// change. Only a touch changes anything in place: deadline first, version second,
/// so that a reader who saw the old version may be refused a compare-and-set, but
/// never stores over a change it did not see.
class entry : public entry_layout {
public:
  // -- building ----------------------------------------------------------------

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

  /// Builds an entry whose value is in a large block, in a block of `large_size` bytes.
  /// Its value is the first `value_size` bytes of `value`; the slab has yet to take its
  /// hold.
  static entry* make_large(void* block, bytes_view key, large_block& value,
                           std::size_t value_size, version_number version,
                           const entry_attributes& with) noexcept {
    auto* x = new (block) entry(key, value_size, version, with, large_bit);
    copy_key(x->data(), key);
    new (&x->hold()) value_hold{nullptr, nullptr, &value, 0};
    return x;
  }

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

  /// Whether it is bare, and has this key, which is of a short size (`is_short`).
  [[nodiscard]] bool bare_with_short_key(bytes_view x) const noexcept {
    // Of a bare one, the form says nothing but that and the key's size.
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

  /// Only of a large one.
  [[nodiscard]] value_hold& hold() const noexcept {
    return *reinterpret_cast<value_hold*>(
      const_cast<char*>(reinterpret_cast<const char*>(this) + hold_offset()));
  }

  [[nodiscard]] version_number version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  // -- what else it carries ----------------------------------------------------

  /// When it expires; with an idle time, if nobody comes.
  [[nodiscard]] time_point deadline() const noexcept {
    return slides() ? sliding().expiry() : fixed_deadline();
  }

  [[nodiscard]] bool expires() const noexcept {
    return deadline() != never;
  }

  /// Whether it has expired at `now`.
  [[nodiscard]] bool expired(time_point now) const noexcept {
    return slides() ? sliding().passed(now) : fixed_deadline() <= now;
  }

  /// Only of one that slides.
  [[nodiscard]] sliding_deadline& sliding() const noexcept {
    return *reinterpret_cast<sliding_deadline*>(tail());
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
    return {reinterpret_cast<const tag_id*>(tag_block() + tag_head),
            tag_count()};
  }

  // -- what a reader sees ------------------------------------------------------

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

  /// The same, of one that does not slide.
  [[nodiscard]] entry_view plain_view() const noexcept {
    auto v = version();
    auto deadline = fixed_deadline();
    return {value(), v, deadline, deadline, no_expiry, this};
  }

  /// The same, of one that is bare and has a key of so many bytes.
  [[nodiscard]] entry_view bare_view(std::size_t key_size) const noexcept {
    return {{reinterpret_cast<const char*>(this + 1) + key_size, value_size_},
            version(),
            never,
            never,
            no_expiry,
            this};
  }

  // -- the only change in place ------------------------------------------------

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

private:
  /// `kind` is `large_bit` or nothing: it says where the tags are.
  entry(bytes_view key, std::size_t value_size, version_number version,
        const entry_attributes& with, std::uint32_t kind = 0) noexcept
    : entry_layout(version, value_size,
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
    : entry_layout(x.version(), x.value_size_, x.form_) {
    // nop
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
};

static_assert(sizeof(entry) == 16);

} // namespace troupe::memory
