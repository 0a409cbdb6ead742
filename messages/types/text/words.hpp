#pragma once

#include <string_view>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Whether `word` reads `lower` in any case, as Redis compares names and options:
/// letters of ASCII only. `lower` has no upper-case letter.
[[nodiscard]] bool same_word(bytes_view word, std::string_view lower) noexcept;

} // namespace troupe
