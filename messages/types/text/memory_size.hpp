#pragma once

#include <cstdint>
#include <optional>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Parses a number of bytes as Redis does: digits, then optionally, in upper or lower
/// case, b, k, m, g (powers of 1000) or kb, mb, gb (powers of 1024). Returns nothing
/// for other text, or when the number exceeds 64 bits.
[[nodiscard]] std::optional<std::uint64_t>
parse_memory_size(bytes_view text) noexcept;

} // namespace troupe
