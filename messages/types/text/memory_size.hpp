#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// A number of bytes as Redis reads it: digits and, in any case, one of b, k, m,
/// g (thousands) or kb, mb, gb (of 1024). Nothing when it is none, or more than
/// 64 bits hold.
[[nodiscard]] std::optional<std::uint64_t>
parse_memory_size(bytes_view text) noexcept;

/// A number of bytes with the largest unit that leaves no rest: "0", "100", "64kb", "2gb".
/// `parse_memory_size` reads it.
[[nodiscard]] std::string memory_size_text(std::uint64_t size);

} // namespace troupe
