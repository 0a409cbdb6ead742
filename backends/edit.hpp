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

/// What becomes of a key: the answer of a function that has seen its entry. See
/// `region::transform`.
struct edit {
  enum class action : std::uint8_t { keep, store, splice, erase, touch };

  // Those with options may throw std::bad_alloc for their tags.

  /// Leaves the key alone: no version is taken.
  [[nodiscard]] static edit keep() noexcept {
    return {};
  }

  /// Stores `value`, with the deadline that `how` gives, which has no condition.
  /// `value` must stay valid until the operation has ended.
  [[nodiscard]] static edit store(bytes_view value,
                                  const write_options& how = {}) {
    return {action::store, value, how, std::nullopt};
  }

  /// Stores `value` and keeps the deadline of the present entry, or its idle time
  /// and the end of its TTL; a new entry gets those of the region.
  [[nodiscard]] static edit replace(bytes_view value) noexcept {
    edit result{action::store, value, {}, std::nullopt};
    result.how.keep_ttl = true;
    return result;
  }

  /// Stores `value` with a TTL that ends at `deadline`, `never` for good. Its idle
  /// time is the region's, if none is given.
  [[nodiscard]] static edit store_until(bytes_view value, time_point deadline,
                                        std::optional<ttl_duration> idle
                                        = std::nullopt) noexcept {
    edit result{action::store, value, {}, deadline};
    result.how.idle = idle;
    return result;
  }

  /// Writes `part` into the value from byte `offset` on, behind its end: zeros fill
  /// the gap. An absent key counts as an empty value; deadline and idle time as
  /// `replace`. `part` must stay valid until the operation has ended. At the end of a
  /// large value this takes no longer than to write the part, amortised; before that,
  /// the value is copied once.
  [[nodiscard]] static edit overwrite(std::size_t offset,
                                      bytes_view part) noexcept {
    auto result = replace(part);
    result.what = action::splice;
    result.offset = offset;
    return result;
  }

  /// Writes `part` behind the end of the value; as above.
  [[nodiscard]] static edit append(bytes_view part) noexcept {
    return overwrite(at_end, part);
  }

  /// The same edit, for a value that was gathered in memory that can become the
  /// entry's, `x`, which may be nullptr. It is empty afterwards, if it did.
  [[nodiscard]] edit gathered_in(memory::value_buffer* x) const {
    auto result = *this;
    result.gathered = x;
    return result;
  }

  /// The offset that stands for the end of the value.
  static constexpr std::size_t at_end = ~std::size_t{0};

  /// The size of what a splice makes of a value of `present` bytes; the largest
  /// number when it does not fit in one.
  [[nodiscard]] std::size_t spliced_size(std::size_t present) const noexcept {
    const auto begin = offset == at_end ? present : offset;
    const auto end = begin + value.size();
    return end < begin ? at_end : end < present ? present : end;
  }

  /// Removes the entry. Voids leases also when there is none.
  [[nodiscard]] static edit erase() noexcept {
    return {action::erase, {}, {}, std::nullopt};
  }

  /// Gives the entry a TTL that ends at `deadline`, `never` for good. It keeps its
  /// idle time, if it has one. Without an entry nothing happens.
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
