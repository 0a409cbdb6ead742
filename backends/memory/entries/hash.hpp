#pragma once

#include <cstddef>
#include <cstdint>

#include <troupe/messages/types/hash.hpp>

/// The parts of a hash. They do not overlap: an entry's tag still distinguishes entries
/// of the same shard and bucket.
namespace troupe::memory {

/// Bits 0 to 39 choose the bucket.
inline constexpr unsigned bucket_bits = 40;

/// Bits 40 to 47 choose the shard.
[[nodiscard]] constexpr std::size_t shard_bits(std::uint64_t hash) noexcept {
  return static_cast<std::size_t>(hash >> bucket_bits) & 0xff;
}

/// Bits 48 to 63 tag the entry in its bucket.
inline constexpr unsigned tag_shift = 48;

} // namespace troupe::memory
