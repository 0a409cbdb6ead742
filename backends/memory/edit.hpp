#pragma once

#include <cstdint>
#include <optional>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// What becomes of a key: the answer of a function that has seen its entry. See
/// `region::transform`.
struct edit {
  enum class action : std::uint8_t { keep, store, erase, touch };

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
  [[nodiscard]] static edit
  store_until(bytes_view value, time_point deadline,
              std::optional<ttl_duration> idle = std::nullopt) noexcept {
    edit result{action::store, value, {}, deadline};
    result.how.idle = idle;
    return result;
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
};

} // namespace troupe
