#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

namespace detail {

/// A random number, drawn when the program starts, so that outsiders cannot choose keys
/// that collide. A class, because only an object's construction can be ordered before
/// that of all other static objects, which may store keys.
struct random_seed {
  random_seed();
  std::uint64_t value;
};

extern const random_seed hash_seed;

/// XXH3 of a key of any size.
[[nodiscard]] std::uint64_t hash_any(const char* data,
                                     std::size_t size) noexcept;

/// XXH3 of a key of 9 to 16 bytes (XXH3_len_9to16_64b of xxHash 0.8, with its default
/// secret), inline: a call of the library makes a read half as long again. A test
/// compares both.
[[nodiscard]] inline std::uint64_t
hash_short(const char* data, std::size_t size, std::uint64_t seed) noexcept {
  // Pairs of words of the library's secret, combined by exclusive or.
  constexpr std::uint64_t first_secret = 0x6782'737b'ea42'39b9;
  constexpr std::uint64_t last_secret = 0xaf56'bc3b'0996'523a;
  constexpr std::uint64_t avalanche = 0x1656'6791'9e37'79f9;
  __extension__ using wide = unsigned __int128;
  std::uint64_t first;
  std::uint64_t last;
  std::memcpy(&first, data, sizeof(first));
  std::memcpy(&last, data + size - sizeof(last), sizeof(last));
  first ^= first_secret + seed;
  last ^= last_secret - seed;
  const auto product = wide{first} * last;
  auto x = size + __builtin_bswap64(first) + last
           + (static_cast<std::uint64_t>(product)
              ^ static_cast<std::uint64_t>(product >> 64));
  x ^= x >> 37;
  x *= avalanche;
  return x ^ (x >> 32);
}

} // namespace detail

/// Returns 64 well-mixed bits of a key: XXH3 with a seed of the process. Thread-safe.
[[nodiscard]] inline std::uint64_t hash_key(bytes_view key) noexcept {
  // The most frequent sizes.
  if (key.size() - 9 < 8) [[likely]]
    return detail::hash_short(key.data(), key.size(), detail::hash_seed.value);
  return detail::hash_any(key.data(), key.size());
}

/// A borrowed key with its hash (`hash_key`). A call computes the hash once, where the
/// key comes in, and passes it on.
struct hashed_key {
  hashed_key() = default;

  /// Implicit, so that a call takes a key with or without its hash.
  template <std::convertible_to<bytes_view> Key>
  hashed_key(const Key& x) noexcept : key(x), hash(hash_key(key)) {
    // nop
  }

  hashed_key(bytes_view x, std::uint64_t known) noexcept : key(x), hash(known) {
    // nop
  }

  bytes_view key;
  std::uint64_t hash = 0;
};

} // namespace troupe
