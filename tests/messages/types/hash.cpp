#include <troupe/messages/types/hash.hpp>

#include <cstdint>
#include <random>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("the inline hash of short keys is the library's", "[hash]") {
  std::mt19937_64 random{1};
  for (int i = 0; i < 20'000; ++i) {
    std::string key(9 + random() % 8, '\0');
    for (auto& x : key)
      x = static_cast<char>(random());
    // Seeds with few bits, too.
    const auto seed = random() >> (random() % 64);
    if (detail::hash_short(key.data(), key.size(), seed)
        != XXH3_64bits_withSeed(key.data(), key.size(), seed))
      FAIL("another hash of " << key.size() << " bytes");
  }
}

TEST_CASE("every size of key has the library's hash with the process's seed",
          "[hash]") {
  std::string key;
  for (int size = 0; size < 300; ++size) {
    CHECK(
      hash_key(key)
      == XXH3_64bits_withSeed(key.data(), key.size(), detail::hash_seed.value));
    key += static_cast<char>('a' + size % 26);
  }
}
