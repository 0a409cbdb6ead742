#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// What readers get from a shard that crashed too often and stays down. Changes of its
/// keys return `shard_down` in both cases.
enum class failed_shards : std::uint8_t {
  serve,  ///< Its entries, until they expire or are invalidated.
  absent, ///< Nothing: the shard drops its entries.
};

/// The name of the value, as in options.
constexpr std::string_view to_string(failed_shards x) noexcept {
  return x == failed_shards::absent ? "absent" : "serve";
}

} // namespace troupe
