#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Copies a key. Keys of 8 to 16 bytes, the most frequent sizes, are copied inline: a
/// call of std::memcpy costs more.
inline void copy_key(char* to, bytes_view key) noexcept {
  auto n = key.size();
  if (n - 8 <= 8) [[likely]] {
    std::uint64_t first;
    std::uint64_t last;
    std::memcpy(&first, key.data(), sizeof(first));
    std::memcpy(&last, key.data() + n - 8, sizeof(last));
    std::memcpy(to, &first, sizeof(first));
    std::memcpy(to + n - 8, &last, sizeof(last));
  } else if (n > 0) {
    std::memcpy(to, key.data(), n);
  }
}

/// The part of `same_bytes` for other sizes. Separate, so that the compiler keeps the
/// frequent path short.
[[nodiscard, gnu::noinline]] inline bool
same_other_bytes(const char* x, const char* y, std::size_t n) noexcept {
  return bytes_view{x, n} == bytes_view{y, n};
}

/// Whether `same_short_bytes` can compare keys of `n` bytes.
[[nodiscard]] inline bool is_short(std::size_t n) noexcept {
  return n - 8 <= 8;
}

/// Compares two keys of `n` bytes, a short size, without a call or a loop.
[[nodiscard]] inline bool same_short_bytes(const char* x, const char* y,
                                           std::size_t n) noexcept {
  auto word = [](const char* from) {
    std::uint64_t result;
    std::memcpy(&result, from, sizeof(result));
    return result;
  };
  return ((word(x) ^ word(y)) | (word(x + n - 8) ^ word(y + n - 8))) == 0;
}

/// Compares two keys of `n` bytes; keys of 8 to 16 bytes inline, for the same reason.
[[nodiscard]] inline bool same_bytes(const char* x, const char* y,
                                     std::size_t n) noexcept {
  return is_short(n) ? same_short_bytes(x, y, n) : same_other_bytes(x, y, n);
}

} // namespace troupe::memory
