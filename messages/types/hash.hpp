#pragma once

#include <cstdint>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// 64 well-mixed bits of a key: XXH3 with a seed drawn once per process, so
/// that nobody outside can choose keys that collide. Thread-safe.
[[nodiscard]] std::uint64_t hash_key(bytes_view key) noexcept;

} // namespace troupe
