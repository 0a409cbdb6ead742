#pragma once

#include <string_view>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Whether `word` equals `lower` without regard to the case of ASCII letters, as Redis
/// compares names and options. `lower` must have no upper-case letter.
[[nodiscard]] bool same_word(bytes_view word, std::string_view lower) noexcept;

/// The words between blanks and tabs; views into `text`. Throws std::bad_alloc.
[[nodiscard]] std::vector<bytes_view> words_of(bytes_view text);

} // namespace troupe
