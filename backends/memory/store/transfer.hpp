#pragma once

#include <cstdint>

namespace troupe::memory {

/// How a value came under another key, or did not.
enum class transfer_result : std::uint8_t {
  done,
  absent, ///< There was no live entry to take it from.
  exists, ///< There was one where it should go.
};

/// What a transfer does beside.
struct transfer_terms {
  bool if_absent = false;   ///< Only to a key without a live entry.
  bool keep_source = false; ///< Copies.
};

} // namespace troupe::memory
