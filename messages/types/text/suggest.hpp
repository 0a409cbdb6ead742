#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The number of insertions, removals, replacements and swaps of neighbours that turn
/// one word into the other (restricted Damerau-Levenshtein distance, "optimal string
/// alignment"). Time: the product of both sizes.
[[nodiscard]] std::size_t edit_distance(std::string_view x, std::string_view y);

/// The candidate that `word` probably means: the only one that begins with it,
/// otherwise the nearest one that shares more than half of it. Empty when there is no
/// such candidate, and when `word` itself is a candidate.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" for the result of `nearest`; empty when there is none.
[[nodiscard]] std::string
did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace troupe
