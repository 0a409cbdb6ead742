#pragma once

#include <string_view>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Whether `word` equals `lower` without regard to the case of ASCII letters, as Redis
/// compares names and options. `lower` must have no upper-case letter.
[[nodiscard]] bool same_word(bytes_view word, std::string_view lower) noexcept;

} // namespace troupe
