// A connection's way in: bytes, commands, and the turns that execute them.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>

#include "apps/resp/defaults.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/calls/unfinished.hpp"
#include "apps/server/connections/connection.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace asio = boost::asio;

namespace {

/// Whether these bytes, no whole command, begin a handshake of TLS. Left alone,
/// such a client would wait for an answer for ever.
bool speaks_tls(bytes_view rest) noexcept {
  return rest.substr(0, 2) == std::string_view{"\x16\x03"};
}

} // namespace

// -- waiting and reading ---------------------------------------------------------

void connection::wait() {
  if (home_.draining())
    return leave();
  if (!count())
    return evict();
  state_ = state::waiting;
  note_turn();
  await_input();
}

void connection::await(net::readiness what) {
  // Without memory in the system, nothing would ever tell.
  if (!home_.watch().await(peer_.descriptor(), what, *this))
    close();
}

void connection::await_input() {
  if (!peer_.holds_input())
    return await(peer_.needed_to_read());
  if (!std::exchange(goes_on_, true))
    asio::post(home_.context(), [self = shared_from_this()] {
      self->goes_on_ = false;
      self->on_ready();
    });
}

void connection::on_ready() noexcept {
  guarded([](connection& self) { self.go_on(); });
}

// What the connection can do now that its socket is ready. It is not told for
// what: while it sends, a wait for input may end that began before.
void connection::go_on() {
  switch (state_) {
    case state::greeting:
      return shake_hands();
    case state::sending:
      return read_ahead() ? send_more() : close();
    case state::lingering:
      return discard();
    case state::working:
      return; // It reads once the command is done.
    case state::parked:
      return stay_parked();
    default:
      return take_turn();
  }
}

void connection::take_turn() {
  state_ = state::serving;
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    bytes_view input;
    const auto how = gathering_ ? gather(input) : receive(input);
    if (how == net::received::ended)
      return close();
    if (how == net::received::nothing)
      break;
    if (!gathering_ && !serve(input))
      return;
    if (how == net::received::all)
      break;
  }
  wait();
}

// Strangers have to take their replies first: what they send costs nothing then.
bool connection::may_read_ahead() const noexcept {
  return !input_over_ && !is_stranger();
}

// Reads what has come while replies wait for the client, which may want to send
// all of its pipeline before it reads. False when that gets too much.
bool connection::read_ahead() {
  if (!may_read_ahead())
    return true;
  auto& server = home_.server();
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    net::received how;
    if (gathering_) {
      bytes_view ignored;
      how = gather(ignored);
    } else {
      input_.prepare(defaults::read_size);
      const auto room = std::min(input_.room(), defaults::large_read_size);
      const auto read = peer_.read(input_.prepare(room), room);
      input_.commit(read.size);
      home_.counters().bytes_read.add(read.size);
      how = read.how;
    }
    note_input();
    if (unread() > server.options.limits.command) {
      home_.counters().query_buffer_exceeded.add(1);
      return false;
    }
    if (!count()) {
      home_.counters().clients_evicted.add(1);
      return false;
    }
    if (how == net::received::ended) {
      // Its replies may still be wanted.
      input_over_ = true;
      return true;
    }
    if (how != net::received::some)
      break;
  }
  return true;
}

// Without a rest of the last turn, the thread's buffer serves. It holds what
// most turns bring, and needs no memory of the connection's own.
net::received connection::receive(bytes_view& input) {
  auto& buffer = input_.empty() ? home_.input : input_;
  if (input_.empty())
    buffer.truncate(0);
  buffer.prepare(input_.empty() ? defaults::read_size : defaults::kept_input);
  const auto room = std::min(buffer.room(), defaults::large_read_size);
  const auto read = peer_.read(buffer.prepare(room), room);
  buffer.commit(read.size);
  home_.counters().bytes_read.add(read.size);
  input = buffer.view();
  return read.how;
}

// Reads more of a large argument. When it is complete, `input` is the command that
// it belongs to.
net::received connection::gather(bytes_view& input) {
  auto& buffer = *gathering_;
  const auto room
    = std::min(gathered_size_ - buffer.size(), defaults::large_read_size);
  const auto read = peer_.read(buffer.prepare(room), room);
  buffer.commit(read.size);
  home_.counters().bytes_read.add(read.size);
  if (buffer.size() < gathered_size_)
    return read.how;
  const auto ends_in_break = buffer.view().ends_with("\r\n");
  buffer.finish(gathered_size_ - 2);
  self_.large.push_back(std::move(buffer));
  gathering_.reset();
  parser_.supply(self_.large.back().view(), ends_in_break);
  input = input_.view();
  return read.how;
}

// What waits for a large argument lets it arrive in memory of its own, from the
// part on that has come.
void connection::take_out_argument() {
  if (gathering_ || self_.leaving)
    return;
  const auto x = parser_.awaited();
  if (!x || x->size < resp::defaults::large_value)
    return;
  gathered_size_ = x->size + 2;
  gathering_.emplace();
  gathering_->append(input_.view().substr(x->offset));
  input_.truncate(x->offset);
}

// -- executing -------------------------------------------------------------------

// Executes the complete commands of `input`, which is the thread's buffer or
// `input_`, and keeps the rest. False when the turn is over: replies wait for
// the client, or it is on its way out.
bool connection::serve(bytes_view input) {
  // Bytes move from the input into what the client keeps, and count once there. What is
  // left counts at the end of the turn.
  self_.buffered = 0;
  resp::reply_writer reply{home_.output, home_.server().options.max_reply};
  auto& batch = home_.batch;
  for (;;) {
    batch.clear();
    // Whether a stranger is one still is known only after each command.
    const auto stranger = is_stranger();
    const auto enough
      = stranger ? defaults::stranger_output : defaults::flush_size;
    parser_.trust(!stranger);
    const auto parsed
      = parser_.parse(input, batch, stranger ? 1 : resp::defaults::batch_size);
    for (std::size_t next = 0; next < batch.size() && !self_.leaving;) {
      next = home_.commands.run(batch, next, self_, reply);
      // Before its last replies count: the reason why it leaves may be among them.
      if (self_.leaving) [[unlikely]]
        forget_kept();
      if (next > 0 && !self_.large.empty()) [[unlikely]] {
        self_.large.clear();
        parser_.forget_supplied();
      }
      if (!self_.unfinished && (reply.pending() < enough || flush()))
        continue;
      const auto works = self_.unfinished && flush();
      keep(input.substr(next < batch.size() ? batch.offset(next)
                                            : parsed.consumed));
      // What was not executed is parsed again.
      parser_.reset();
      if (works)
        go_on_later();
      else
        await_taking();
      return false;
    }
    input.remove_prefix(parsed.consumed);
    if (parsed.state == resp::parser::status::full && !self_.leaving
        && self_.turn.over(defaults::turn_time)) {
      yield_turn(input);
      return false;
    }
    if (parsed.state == resp::parser::status::broken && !self_.leaving)
      refuse_stream(parser_.error());
    if (parsed.state != resp::parser::status::full || self_.leaving)
      break;
  }
  if (speaks_tls(input) && !self_.leaving)
    refuse_stream("Protocol error: this port speaks no TLS");
  keep(input);
  take_out_argument();
  if (!flush_with_messages()) {
    await_taking();
    return false;
  }
  return finish();
}

// The turn has taken its time; the commands of `rest` have the next one.
void connection::yield_turn(bytes_view rest) {
  const auto flushed = flush();
  keep(rest);
  parser_.reset();
  if (!flushed)
    await_taking();
  else if (finish())
    go_on_later();
}

// Lets others have their turns before this one goes on, or waits until it can.
void connection::go_on_later() {
  note_turn();
  if (!count())
    return evict();
  if (self_.unfinished && self_.unfinished->waits())
    return park();
  state_ = state::working;
  home_.go_on_later(shared_from_this());
}

void connection::go_on_with_turn() noexcept {
  guarded([](connection& x) { x.work(); });
}

void connection::work() {
  if (self_.unfinished) {
    resp::reply_writer reply{home_.output, home_.server().options.max_reply};
    reply.protocol(self_.protocol);
    if (!continue_unfinished(self_, reply))
      return go_on_later();
    timer_.reset();
  }
  state_ = state::serving;
  if (!flush())
    return await_taking();
  if (serve(input_.view()))
    take_turn();
}

// -- waiting for an answer ---------------------------------------------------------

// What came for a subscriber meanwhile has not been written, and does not wake again.
void connection::park() {
  state_ = state::serving;
  if (self_.listening && !flush_with_messages())
    return await_taking();
  if (!finish())
    return;
  state_ = state::parked;
  if (const auto end = self_.unfinished->end(); end && !timer_) {
    timer_.emplace(home_.context().get_executor(), *end);
    timer_->async_wait([self = shared_from_this()](error_code ended) {
      if (!ended)
        self->guarded([](connection& x) { x.time_over(); });
    });
  }
  await(net::readiness::hang_up);
}

// Woken by a wait that began before, for input, or because the peer has gone.
void connection::stay_parked() {
  if (peer_.hung_up())
    close();
  else
    await(net::readiness::hang_up);
}

void connection::time_over() {
  if (self_.unfinished)
    self_.unfinished->time_over();
}

void connection::resume_command() noexcept {
  guarded([](connection& self) {
    if (self.state_ == state::parked && !self.self_.unfinished->waits())
      self.go_on_later();
  });
}

void connection::refuse_stream(std::string_view why) {
  resp::reply_writer{home_.output}.error("ERR " + std::string{why});
  home_.counters().errors.add(1);
  self_.leaving = true;
}

void connection::keep(bytes_view rest) {
  if (self_.leaving)
    rest = {};
  if (input_.empty())
    input_.append(rest);
  else
    input_.consume(input_.size() - rest.size());
  if (input_.empty())
    return input_.clear(defaults::kept_input);
  // What is left counts, so its memory has to be in proportion.
  if (input_.capacity() > defaults::large_read_size
      && input_.size() < input_.capacity() / 4) {
    net::byte_buffer dense;
    dense.append(input_.view());
    input_ = std::move(dense);
  }
}

} // namespace troupe::server
