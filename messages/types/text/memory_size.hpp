#pragma once

#include <cstdint>
#include <optional>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// A number of bytes as Redis reads it: digits and, in any case, one of b, k, m,
/// g (thousands) or kb, mb, gb (of 1024). Nothing when it is none, or more than
/// 64 bits hold.
[[nodiscard]] std::optional<std::uint64_t>
parse_memory_size(bytes_view text) noexcept;

} // namespace troupe
