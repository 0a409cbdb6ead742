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

/// Apart, so that the frequent way needs no registers saved for this one.
[[gnu::noinline]] std::uint64_t hash_any(const char* data,
                                         std::size_t size) noexcept {
  return XXH3_64bits_withSeed(data, size, seed);
}

} // namespace

std::uint64_t hash_key(bytes_view key) noexcept {
  // The library's own way for keys of 9 to 16 bytes, the most frequent ones.
  if (key.size() - 9 < 8) [[likely]]
    return XXH3_64bits_withSeed(key.data(), key.size(), seed);
  return hash_any(key.data(), key.size());
}

} // namespace troupe
