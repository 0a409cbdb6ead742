#pragma once

// What the library's actors do with what they do not expect: messages of a type
// that they do not take, downs that they did not ask for, and exceptions. CAF's own
// handlers print all of it, to the standard output and as it came, which a peer
// that may send messages could make long and full of control characters.

#include <memory>

#include <caf/fwd.hpp>
#include <caf/scheduled_actor.hpp>

#include <troupe/messages/types/report_function.hpp>

namespace troupe::detail {

/// Has the actors of a system report to a runtime as long as this lives; to the one
/// made first of several that have a function. Thread-safe.
class unexpected_reports {
public:
  /// `system` outlives this. An empty function leaves the reports to another runtime.
  unexpected_reports(caf::actor_system& system, report_function report);

  unexpected_reports(const unexpected_reports&) = delete;
  unexpected_reports& operator=(const unexpected_reports&) = delete;

  /// Waits for a call of the function that is under way; none begins afterwards.
  ~unexpected_reports();

  class listener;

private:
  std::shared_ptr<listener> listener_;
};

/// Has an actor report what it does not expect, a line a second at most. A request
/// is answered with `sec::unexpected_message`, as by CAF.
void report_unexpected(caf::scheduled_actor& of);

/// The default handler that `report_unexpected` sets.
caf::result<caf::message> take_unexpected(caf::scheduled_actor* self,
                                          caf::message_view& x);

} // namespace troupe::detail
