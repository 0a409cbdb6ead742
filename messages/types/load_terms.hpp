#pragma once

#include <cstdint>
#include <optional>

namespace troupe {

/// Where the loader of a blocking call runs.
enum class load_on : std::uint8_t {
  /// On the thread of the caller: a miss costs no change of threads. The caller cannot
  /// leave its own loader before it returns.
  caller,

  /// On one of the runtime's loader threads, of which there are `loader-threads`.
  pool,
};

/// How one call loads a missing value; the region's options apply where they are empty.
struct load_terms {
  /// A call without waiting always uses the pool. A call from inside a loader always
  /// runs its loader on that loader's thread.
  std::optional<load_on> on = std::nullopt;
};

/// How the value of a `get_or_set` came about.
enum class load_origin : std::uint8_t {
  hit,    ///< It was cached.
  loaded, ///< The caller's loader brought it.
  joined, ///< Another caller's loader brought it.
};

} // namespace troupe
