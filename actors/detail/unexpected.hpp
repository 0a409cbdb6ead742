#pragma once

// What the library's actors do with what they do not expect: messages of a type
// that they do not take, downs that they did not ask for, and exceptions. CAF's own
// handlers print all of it, to the standard output and as it came, which anybody who
// may send messages could make long and full of control characters.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <caf/fwd.hpp>
#include <caf/scheduled_actor.hpp>

namespace troupe::detail {

using report_function = std::function<void(std::string_view line)>;

/// As one line of printable ASCII: other bytes become \xNN, and of more than
/// `most_shown` bytes the rest is cut.
[[nodiscard]] std::string printable(std::string_view text);

inline constexpr std::size_t most_shown = 200;

/// Has the actors of a system report to a runtime as long as this lives.
/// Thread-safe.
class unexpected_reports {
public:
  /// `system` outlives this.
  unexpected_reports(caf::actor_system& system, report_function report);

  unexpected_reports(const unexpected_reports&) = delete;
  unexpected_reports& operator=(const unexpected_reports&) = delete;

  ~unexpected_reports();
};

/// Has an actor report what it does not expect, a line a second at most. A request
/// is answered with `sec::unexpected_message`, as by CAF.
void report_unexpected(caf::scheduled_actor& of);

} // namespace troupe::detail
