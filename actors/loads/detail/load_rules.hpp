#pragma once

#include <troupe/backends/leases.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// Whether callers of a region may get an answer before their load ends.
[[nodiscard]] inline bool limits_waits(const region_options& x) noexcept {
  return x.soft_timeout > x.soft_timeout.zero()
         || x.hard_timeout > x.hard_timeout.zero();
}

/// Whether a caller may be served its stale value, if it has one. `now`: see
/// `load_target::entry_time`.
[[nodiscard]] inline bool is_servable(const stale_entry* stale,
                                      const region_options& options,
                                      time_point now) noexcept {
  return stale != nullptr && now < stale->fresh_until + options.fail_safe;
}

/// Whether an error of a load says something of the source of the value: such a load is
/// tried again, and opens breakers.
[[nodiscard]] inline bool speaks_of_source(const error& why) noexcept {
  return !(why == errc::load_cancelled || why == errc::shutting_down
           || why == errc::load_cycle || why == errc::overloaded
           || why == errc::circuit_open);
}

/// Whether a stale value may be served in place of this error of a load.
[[nodiscard]] inline bool may_hide(const error& why) noexcept {
  return speaks_of_source(why) || why == errc::overloaded
         || why == errc::circuit_open;
}

} // namespace troupe
