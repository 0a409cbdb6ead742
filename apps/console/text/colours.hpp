#pragma once

// Colours say what a word says as well; nothing is told by colour alone.

#include <cstdint>
#include <string>

namespace troupe::console {

enum class tone : std::uint8_t {
  plain,
  good,    ///< Green.
  warning, ///< Yellow.
  bad,     ///< Red.
};

/// `text` in its colour (ECMA-48 sequences), or as it is.
[[nodiscard]] std::string painted(std::string text, tone how);

/// The colour of an actor's state, such as "running, 1 shard failed".
[[nodiscard]] tone tone_of_state(const std::string& state);

/// "error: ..." with a red "error:".
[[nodiscard]] std::string painted_complaint(const std::string& text);

/// Whether colours are wanted on this descriptor: it is a terminal that is not
/// dumb, and NO_COLOR (no-color.org) is not set, or empty.
[[nodiscard]] bool wants_colours(int descriptor) noexcept;

} // namespace troupe::console
