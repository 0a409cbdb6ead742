#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// How many insertions, removals, replacements and swaps of neighbours turn
/// one word into the other (the restricted Damerau-Levenshtein distance, "optimal
/// string alignment"). Takes the product of both sizes.
[[nodiscard]] std::size_t edit_distance(std::string_view x, std::string_view y);

/// The candidate that `word` was probably meant to be: the only one that begins
/// with it, else the nearest one that shares more than half of it. Empty when
/// there is none, and when `word` is a candidate itself: it was meant as it is.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" for what `nearest` finds; else empty.
[[nodiscard]] std::string
did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace troupe
