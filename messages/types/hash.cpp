#include <troupe/messages/types/hash.hpp>

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe {

namespace {

const std::uint64_t seed = [] {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}();

} // namespace

std::uint64_t hash_key(bytes_view key) noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

} // namespace troupe
