#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// What readers find of a shard that crashed too often and stays down. Changes of its
/// keys answer `shard_down` either way.
enum class failed_shards : std::uint8_t {
  serve,  ///< What it holds, but for what expires or is invalidated.
  absent, ///< Nothing: it drops what it holds.
};

/// The name of the value, as in options.
constexpr std::string_view to_string(failed_shards x) noexcept {
  return x == failed_shards::absent ? "absent" : "serve";
}

} // namespace troupe
