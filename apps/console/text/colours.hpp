#pragma once

// Colours repeat what a word says; no information is in the colour alone.

#include <cstdint>
#include <string>

namespace troupe::console {

enum class tone : std::uint8_t {
  plain,
  good,    ///< Green.
  warning, ///< Yellow.
  bad,     ///< Red.
};

/// `text` in the colour of its tone (ECMA-48 sequences); plain text is unchanged.
[[nodiscard]] std::string painted(std::string text, tone how);

/// The colour of an actor's state, such as "running, 1 shard failed".
[[nodiscard]] tone tone_of_state(const std::string& state);

/// "error: ..." with a red "error:".
[[nodiscard]] std::string painted_complaint(const std::string& text);

/// Whether to use colours on this descriptor: it is a terminal, TERM is not "dumb", and
/// NO_COLOR (no-color.org) is unset or empty.
[[nodiscard]] bool wants_colours(int descriptor) noexcept;

} // namespace troupe::console
