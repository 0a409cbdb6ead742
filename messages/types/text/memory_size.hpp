#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Parses a number of bytes as Redis does: digits, then optionally, in upper or lower
/// case, b, k, m, g (powers of 1000) or kb, mb, gb (powers of 1024). Returns nothing
/// for other text, or when the number exceeds 64 bits.
[[nodiscard]] std::optional<std::uint64_t>
parse_memory_size(bytes_view text) noexcept;

/// A number of bytes with the largest unit that leaves no rest: "0", "100", "64kb", "2gb".
/// `parse_memory_size` reads it.
[[nodiscard]] std::string memory_size_text(std::uint64_t size);

} // namespace troupe
