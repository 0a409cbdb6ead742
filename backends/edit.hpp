#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace memory {
class value_buffer;
} // namespace memory

/// The change of a key that a function chose after it saw the entry. See
/// `region::transform`.
struct edit {
  enum class action : std::uint8_t { keep, store, splice, erase, touch };

  // Edits with options may throw std::bad_alloc for their tags.

  /// Leaves the key unchanged: no version is taken.
  [[nodiscard]] static edit keep() noexcept {
    return {};
  }

  /// Stores `value` with the deadline of `how`, which must have no condition. `value`
  /// must stay valid until the operation has ended.
  [[nodiscard]] static edit store(bytes_view value,
                                  const write_options& how = {}) {
    return {action::store, value, how, std::nullopt};
  }

  /// Stores `value` and keeps the deadline of the present entry, or its idle time and
  /// the end of its TTL; a new entry gets the region's.
  [[nodiscard]] static edit replace(bytes_view value) noexcept {
    edit result{action::store, value, {}, std::nullopt};
    result.how.keep_ttl = true;
    return result;
  }

  /// Stores `value` with a TTL that ends at `deadline`; `never`: it has no end. The
  /// idle time is the region's unless `idle` is given.
  [[nodiscard]] static edit store_until(bytes_view value, time_point deadline,
                                        std::optional<ttl_duration> idle
                                        = std::nullopt) noexcept {
    edit result{action::store, value, {}, deadline};
    result.how.idle = idle;
    return result;
  }

  /// Writes `part` into the value from byte `offset` on; beyond its end, zeros fill the
  /// gap. An absent key counts as an empty value; deadline and idle time are those of
  /// `replace`. `part` must stay valid until the operation has ended. At the end of a
  /// large value, the time is that of writing the part, amortised; before the end, the
  /// value is copied once.
  [[nodiscard]] static edit overwrite(std::size_t offset,
                                      bytes_view part) noexcept {
    auto result = replace(part);
    result.what = action::splice;
    result.offset = offset;
    return result;
  }

  /// Appends `part` to the value; otherwise like `overwrite`.
  [[nodiscard]] static edit append(bytes_view part) noexcept {
    return overwrite(at_end, part);
  }

  /// The same edit, for a value in the buffer `x`, whose memory can become the entry's;
  /// `x` may be nullptr. The buffer is empty afterwards if its memory was taken.
  [[nodiscard]] edit gathered_in(memory::value_buffer* x) const {
    auto result = *this;
    result.gathered = x;
    return result;
  }

  /// The offset that means the end of the value.
  static constexpr std::size_t at_end = ~std::size_t{0};

  /// The size of a value of `present` bytes after a splice; the largest number when the
  /// size does not fit.
  [[nodiscard]] std::size_t spliced_size(std::size_t present) const noexcept {
    const auto begin = offset == at_end ? present : offset;
    const auto end = begin + value.size();
    return end < begin ? at_end : end < present ? present : end;
  }

  /// Removes the entry. Voids leases also when there is none.
  [[nodiscard]] static edit erase() noexcept {
    return {action::erase, {}, {}, std::nullopt};
  }

  /// Gives the entry a TTL that ends at `deadline`; `never`: it has no end. Its idle
  /// time, if any, stays. Without an entry nothing happens.
  [[nodiscard]] static edit touch(time_point deadline) noexcept {
    return {action::touch, {}, {}, deadline};
  }

  action what = action::keep;
  bytes_view value = {};
  write_options how = {};
  std::optional<time_point> deadline = std::nullopt; ///< In place of `how`'s.
  std::size_t offset = 0;                            ///< Of a splice.
  memory::value_buffer* gathered = nullptr;
};

} // namespace troupe
