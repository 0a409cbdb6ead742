#pragma once

// How the library's actors handle unexpected input: messages of a type that they do not
// take, down messages that they did not ask for, and exceptions. CAF's own handlers
// print the content unchanged to the standard output. A peer that may send messages
// could make it long and full of control characters.

#include <memory>

#include <caf/fwd.hpp>
#include <caf/scheduled_actor.hpp>

#include <troupe/messages/types/report_function.hpp>

namespace troupe::detail {

/// Makes the actors of a system report to a runtime during its lifetime. With several
/// runtimes, they report to the first one that has a function. Thread-safe.
class unexpected_reports {
public:
  /// `system` must outlive it. Empty function: another runtime gets the reports.
  unexpected_reports(caf::actor_system& system, report_function report);

  unexpected_reports(const unexpected_reports&) = delete;
  unexpected_reports& operator=(const unexpected_reports&) = delete;

  /// Waits for a running call of the function; no call begins afterwards.
  ~unexpected_reports();

  class listener;

private:
  std::shared_ptr<listener> listener_;
};

/// Makes an actor report unexpected input, at most one line per second. A request is
/// answered with `sec::unexpected_message`, as by CAF.
void report_unexpected(caf::scheduled_actor& of);

/// The default handler that `report_unexpected` sets.
caf::result<caf::message> take_unexpected(caf::scheduled_actor* self,
                                          caf::message_view& x);

} // namespace troupe::detail
