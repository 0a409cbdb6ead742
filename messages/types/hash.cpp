#include <troupe/messages/types/hash.hpp>

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe::detail {

const std::uint64_t hash_seed = [] {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}();

std::uint64_t hash_any(const char* data, std::size_t size) noexcept {
  return XXH3_64bits_withSeed(data, size, hash_seed);
}

} // namespace troupe::detail
