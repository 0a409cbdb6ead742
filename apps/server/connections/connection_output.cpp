// A connection's way out: replies, messages of others, and the goodbye.

#include <utility>

#include <boost/asio/post.hpp>

#include "apps/server/clients/messages.hpp"
#include "apps/server/connections/connection.hpp"

namespace troupe::server {

namespace asio = boost::asio;

// Sends the gathered replies. False when the client does not take all of them
// now; then `await_taking` has to follow, and `on_sent` goes on.
bool connection::flush() {
  auto& out = home_.output;
  std::size_t sent = 0;
  while (sent < out.size() && !broken_) {
    const auto step = peer_.write(out.piece(sent));
    sent += step.size;
    if (step.how == net::progress::blocked
        || (sent >= defaults::sent_per_turn && sent < out.size())) {
      send_rest(sent);
      return false;
    }
    broken_ = step.how == net::progress::broken;
  }
  home_.counters().bytes_written.add(sent);
  out.clear(defaults::kept_output);
  // Nobody reads any more: what remains to be executed has no witness.
  self_.leaving = self_.leaving || broken_;
  return true;
}

// As `flush`, with the messages that have come for the client behind them.
bool connection::flush_with_messages() {
  resp::reply_writer reply{home_.output};
  reply.protocol(self_.protocol);
  for (int i = 0; i < defaults::bursts_per_turn; ++i) {
    const auto more = !self_.leaving && write_messages(self_, reply);
    if (!flush())
      return false;
    if (!more)
      return true;
  }
  // Others first; what is left does not wake anybody.
  asio::post(home_.context(),
             [self = shared_from_this()] { self->resume_messages(); });
  return true;
}

void connection::resume_messages() {
  guarded([](connection& self) { self.on_messages(); });
}

void connection::on_messages() {
  if (!self_.listening || state_ == state::closed)
    return;
  if (self_.listening->who()->state() == subscriber_state::cut) {
    auto& counters = home_.counters();
    (self_.listening->who()->why_cut() == cut_reason::soft
       ? counters.subscribers_cut_soft
       : counters.subscribers_cut_hard)
      .add(1);
    return close();
  }
  if (state_ == state::parked)
    return park();
  if (state_ != state::waiting)
    return;
  state_ = state::serving;
  if (!flush_with_messages())
    return await_taking();
  if (finish())
    wait();
}

void connection::send_rest(std::size_t sent) {
  home_.counters().bytes_written.add(sent);
  if (is_stranger() && home_.output.values.size() == 0) {
    // The thread's buffer may be far larger than what this one is owed.
    pending_.bytes.append(home_.output.bytes.view().substr(sent));
    home_.output.clear(defaults::kept_output);
    sent = 0;
  } else {
    pending_.swap(home_.output);
  }
  sent_ = sent;
  state_ = state::sending;
}

// Waits until the client takes the replies that `flush` has left. What of the input was
// not executed is in `input_` by now, so that it counts.
void connection::await_taking() {
  note_turn();
  if (!count())
    return evict();
  await_sending();
}

void connection::await_sending() {
  await(peer_.needed_to_write());
  if (state_ == state::sending && may_read_ahead())
    await(peer_.needed_to_read());
}

void connection::send_more() {
  const auto until = sent_ + defaults::sent_per_turn;
  while (sent_ < pending_.size()) {
    const auto step = peer_.write(pending_.piece(sent_));
    sent_ += step.size;
    home_.counters().bytes_written.add(step.size);
    if (step.size > 0)
      note_turn(); // It takes its replies, however slowly.
    if (step.how == net::progress::broken)
      return close();
    if (step.how == net::progress::blocked || sent_ >= until)
      return await_sending();
  }
  on_sent();
}

void connection::on_sent() {
  pending_.clear(0);
  sent_ = 0;
  state_ = state::serving;
  if (self_.unfinished)
    return go_on_later();
  if (serve(input_.view()))
    take_turn();
}

// -- leaving ---------------------------------------------------------------------

// Tells whether the connection stays.
bool connection::finish() {
  if (!self_.leaving)
    return true;
  leave();
  return false;
}

// Closing a socket with unread input makes the kernel throw away replies that
// are still on their way. So a client that may be sending is told that nothing
// more comes, and gets a moment to do the same.
void connection::leave() {
  forget_kept();
  if (broken_ || (home_.draining() && !peer_.has_unread()))
    close();
  else
    linger();
}

void connection::linger() {
  if (!peer_.end_output())
    return close();
  state_ = state::lingering;
  forget_input();
  start_timer(defaults::linger);
  discard();
}

void connection::discard() {
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    bytes_view ignored;
    const auto how = receive(ignored);
    if (how == net::received::ended)
      return close();
    if (how == net::received::nothing)
      break;
  }
  await_input();
}

} // namespace troupe::server
