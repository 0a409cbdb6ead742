#include <troupe/messages/types/hash.hpp>

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe::detail {

random_seed::random_seed() {
  std::random_device device;
  value = (std::uint64_t{device()} << 32) | device();
}

// The first priority that is not reserved for the system.
[[gnu::init_priority(101)]] const random_seed hash_seed;

std::uint64_t hash_any(const char* data, std::size_t size) noexcept {
  return XXH3_64bits_withSeed(data, size, hash_seed.value);
}

} // namespace troupe::detail
