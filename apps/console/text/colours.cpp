#include "apps/console/text/colours.hpp"

#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace troupe::console {

std::string painted(std::string text, tone how) {
  switch (how) {
    case tone::good:
      return "\033[32m" + text + "\033[0m";
    case tone::warning:
      return "\033[33m" + text + "\033[0m";
    case tone::bad:
      return "\033[31m" + text + "\033[0m";
    case tone::plain:
      break;
  }
  return text;
}

tone tone_of_state(const std::string& state) {
  const auto holds = [&](const char* x) { return state.find(x) != state.npos; };
  if (holds("failed"))
    return tone::bad;
  if (holds("restarting"))
    return tone::warning;
  return state == "running" ? tone::good : tone::plain;
}

std::string painted_complaint(const std::string& text) {
  constexpr std::string_view prefix = "error:";
  if (!text.starts_with(prefix))
    return text;
  return painted(std::string{prefix}, tone::bad) + text.substr(prefix.size());
}

bool wants_colours(int descriptor) noexcept {
  const char* const refused = std::getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0')
    return false;
  const char* const terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view{terminal} != "dumb"
         && isatty(descriptor) != 0;
}

} // namespace troupe::console
