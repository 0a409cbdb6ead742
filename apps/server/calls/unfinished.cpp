#include "apps/server/calls/unfinished.hpp"

#include <new>
#include <utility>

#include "apps/net/turn_clock.hpp"
#include "apps/resp/error_text.hpp"

namespace troupe::server {

void begin_long(command_call& call, std::unique_ptr<unfinished_command> work) {
  using clock = net::turn_clock::clock;
  auto& self = call.self;
  // EXEC is one step, so its commands cannot be interrupted.
  if (self.changing) {
    while (!work->go_on(call.reply, clock::time_point::max()))
      ;
    return;
  }
  const auto now = clock::now();
  const auto deadline = self.turn.end(now, unfinished_command::slice);
  // The commands before it may have used up the time of the turn.
  if (now >= deadline || !work->go_on(call.reply, deadline))
    self.unfinished = std::move(work);
}

bool continue_unfinished(client& self, resp::reply_writer& reply) {
  auto& work = *self.unfinished;
  reply.begin();
  const auto mark = reply.pending();
  auto done = true;
  self.turn.reset();
  try {
    done = work.go_on(reply, self.turn.end(net::turn_clock::clock::now(),
                                           unfinished_command::slice));
  } catch (const std::bad_alloc&) {
    reply.rollback();
    reply.error(resp::error_text::out_of_memory);
  }
  reply.end();
  if (!done)
    return false;
  if (work.unheard)
    reply.truncate(mark);
  self.unfinished.reset();
  return true;
}

} // namespace troupe::server
