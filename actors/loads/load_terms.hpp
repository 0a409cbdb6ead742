#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include <troupe/messages/types/options.hpp>

namespace troupe {

/// How one call loads a missing value; the region's options apply where they are empty.
struct load_terms {
  /// A call without waiting always uses the pool. A call from inside a loader always
  /// runs its loader on that loader's thread.
  std::optional<load_on> on = std::nullopt;

  /// When it is signalled, the caller gets `load_cancelled`, as soon as it does not run its
  /// own loader. When no other caller is left, the load is cancelled, too.
  std::stop_token stop = {};
};

/// How the value of a `get_or_set` came about.
enum class load_origin : std::uint8_t {
  hit,    ///< It was cached.
  loaded, ///< The caller's loader brought it.
  joined, ///< Another caller's loader brought it.
  stale,  ///< It is past its deadline; `stale_reason` says why it is served.
};

/// Why a caller got a stale value.
enum class stale_reason : std::uint8_t {
  none,        ///< It got none.
  load_failed, ///< The load failed (`region_options::fail_safe`).
  throttled, ///< A load has failed within `region_options::fail_safe_throttle`.
  revalidating, ///< A load in the background replaces it
                ///< (`region_options::stale_while_revalidate`).
  slow,         ///< The load goes on (`soft_timeout`, `hard_timeout`).
  circuit_open, ///< No load is tried (`region_options::breaker`).
};

} // namespace troupe
