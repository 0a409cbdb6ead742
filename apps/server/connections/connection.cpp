#include "apps/server/connection.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>

#include "apps/server/worker.hpp"

namespace troupe::server {

namespace asio = boost::asio;

namespace {

/// The queue of messages of one connection.
class connection_subscriber final : public subscriber {
public:
  /// `context` lives until the connection has closed.
  connection_subscriber(const live_subscriber_limits& limits,
                        asio::io_context& context,
                        std::weak_ptr<connection> owner)
    : subscriber(limits), context_(context), owner_(std::move(owner)) {
    // nop
  }

protected:
  bool wake() noexcept override {
    try {
      asio::post(context_, [owner = owner_] {
        if (const auto present = owner.lock())
          present->resume_messages();
      });
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }

private:
  asio::io_context& context_;
  std::weak_ptr<connection> owner_;
};

/// Whether these bytes, no whole command, begin a handshake of TLS. Left alone,
/// such a client would wait for an answer for ever.
bool speaks_tls(bytes_view rest) noexcept {
  return rest.substr(0, 2) == std::string_view{"\x16\x03"};
}

} // namespace

connection::connection(worker& home, transport peer, std::uint64_t id)
  : home_(home), peer_(std::move(peer)), parser_(home.server().options.limits) {
  self_.id = id;
  self_.authenticated = !home.server().access.required();
}

void connection::give_up() noexcept {
  home_.output.clear(defaults::kept_output);
  close();
}

void connection::start() {
  self_.make_subscriber = [this] {
    return std::make_shared<connection_subscriber>(
      home_.server().live.pubsub, home_.context(), weak_from_this());
  };
  enter_registry();
  if (peer_.is_tls())
    greet();
  else
    wait();
}

void connection::start_timer(std::chrono::milliseconds time) {
  timer_.emplace(home_.context().get_executor(), time);
  timer_->async_wait([self = shared_from_this()](error_code ended) {
    if (!ended)
      self->close();
  });
}

void connection::greet() {
  state_ = state::greeting;
  start_timer(home_.server().options.tls.handshake_timeout);
  shake_hands();
}

void connection::shake_hands() {
  switch (peer_.shake_hands()) {
    case progress::made:
      timer_.reset();
      // Commands may have come with the end of the handshake.
      return take_turn();
    case progress::blocked:
      return await(peer_.needed_to_read());
    case progress::broken:
      home_.counters().handshakes_failed.add(1);
      return close();
  }
}

void connection::enter_registry() {
  auto entry = std::make_shared<client_record>();
  entry->id = self_.id;
  entry->address = peer_.peer_address();
  entry->local_address = peer_.local_address();
  entry->descriptor = peer_.descriptor();
  entry->local = peer_.is_local();
  entry->cut = [&home = home_, id = self_.id] { home.cut(id); };
  self_.record = entry;
  home_.server().clients.add(std::move(entry));
}

void connection::note_turn() noexcept {
  record(self_);
  note_input();
  if (self_.record != nullptr)
    self_.record->output.store(pending_.size(), std::memory_order_relaxed);
}

void connection::note_input() noexcept {
  if (self_.record != nullptr)
    self_.record->input.store(unread(), std::memory_order_relaxed);
}

void connection::close() noexcept {
  if (std::exchange(state_, state::closed) == state::closed)
    return;
  forget_kept();
  self_.unfinished.reset();
  timer_.reset();
  home_.watch().forget(peer_.descriptor());
  peer_.close();
  home_.server().clients.remove(self_.id);
  home_.remove(*this);
}

// A client that receives messages of others may be silent, as at Redis. One that takes
// replies, however slowly, is not silent.
void connection::close_if_idle_since(
  std::chrono::steady_clock::time_point moment) noexcept {
  const auto* const x = self_.record.get();
  if ((state_ == state::waiting || state_ == state::sending) && x != nullptr
      && x->last_active.load(std::memory_order_relaxed) <= moment
      && x->type() == std::string_view{"normal"})
    close();
}

void connection::drain() {
  if (state_ == state::greeting)
    return close();
  if (state_ != state::waiting)
    return;
  self_.turn.reset();
  take_turn();
}

// -- reading ---------------------------------------------------------------------

void connection::wait() {
  if (home_.draining())
    return leave();
  if (!count())
    return evict();
  state_ = state::waiting;
  note_turn();
  await_input();
}

void connection::await(readiness what) {
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
    default:
      return take_turn();
  }
}

void connection::take_turn() {
  state_ = state::serving;
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    bytes_view input;
    const auto how = gathering_ ? gather(input) : receive(input);
    if (how == received::ended)
      return close();
    if (how == received::nothing)
      break;
    if (!gathering_ && !serve(input))
      return;
    if (how == received::all)
      break;
  }
  wait();
}

// What this client has sent and was not executed, in bytes.
std::size_t connection::unread() const noexcept {
  auto result = input_.size() + (gathering_ ? gathering_->size() : 0);
  for (const auto& x : self_.large)
    result += x.size();
  return result;
}

// Whether it has yet to give the password.
bool connection::is_stranger() const noexcept {
  return !self_.authenticated && home_.server().access.required();
}

// Strangers have to take their replies first: what they send costs nothing then.
bool connection::may_read_ahead() const noexcept {
  return !input_over_ && !is_stranger();
}

// What it has in buffers beyond what any client may have: most have none of that, and
// touch nothing shared. Large values that wait in replies belong to their entries.
std::size_t connection::buffered() const noexcept {
  const auto beyond = [](std::size_t size, std::size_t allowed) {
    return size > allowed ? size - allowed : 0;
  };
  return beyond(unread() + parser_.held_bytes(), defaults::kept_input)
         + beyond(pending_.bytes.capacity(), defaults::flush_size);
}

// Counts what the client keeps. False when that is too much, for all together.
bool connection::count() noexcept {
  auto& server = home_.server();
  if (is_stranger())
    return self_.memory.count(server.stranger_memory,
                              input_.capacity() + pending_.bytes.capacity(),
                              defaults::max_stranger_memory);
  self_.buffered = buffered();
  const auto fits = count_memory(self_, server);
  const auto kept = self_.kept_bytes();
  if (kept_ > kept)
    note_given_back(kept_ - kept);
  kept_ = kept;
  return fits;
}

// No more is heard of what it subscribed to, queued and watches.
void connection::forget_kept() noexcept {
  note_given_back(std::max(std::exchange(kept_, 0), self_.kept_bytes()));
  self_.listening.reset();
  self_.queue.end();
  self_.memory.leave();
}

// Nothing more of it is executed.
void connection::forget_input() noexcept {
  self_.unfinished.reset();
  self_.large.clear();
  gathering_.reset();
  parser_.reset();
  parser_.forget_supplied();
  input_.clear(0);
}

void connection::note_given_back(std::size_t bytes) noexcept {
  if (bytes >= defaults::trimmed_memory)
    home_.server().trim_wanted.store(true, std::memory_order_relaxed);
}

// Disconnects a client that keeps too much: with the reason, unless it waits for
// replies, which would have to be taken first.
void connection::evict() {
  if (state_ == state::sending || is_stranger() || broken_) {
    home_.counters().clients_evicted.add(1);
    return close();
  }
  forget_input();
  reply_writer reply{home_.output};
  server::evict(self_, home_.counters(), reply);
  if (flush())
    static_cast<void>(finish());
  else
    await_taking();
}

// Reads what has come while replies wait for the client, which may want to send
// all of its pipeline before it reads. False when that gets too much.
bool connection::read_ahead() {
  if (!may_read_ahead())
    return true;
  auto& server = home_.server();
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    received how;
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
    if (how == received::ended) {
      // Its replies may still be wanted.
      input_over_ = true;
      return true;
    }
    if (how != received::some)
      break;
  }
  return true;
}

// Without a rest of the last turn, the thread's buffer serves. It holds what
// most turns bring, and needs no memory of the connection's own.
received connection::receive(bytes_view& input) {
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
received connection::gather(bytes_view& input) {
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
  if (!x || x->size < defaults::large_value)
    return;
  gathered_size_ = x->size + 2;
  gathering_.emplace();
  gathering_->append(input_.view().substr(x->offset));
  input_.truncate(x->offset);
}

// Executes the complete commands of `input`, which is the thread's buffer or
// `input_`, and keeps the rest. False when the turn is over: replies wait for
// the client, or it is on its way out.
bool connection::serve(bytes_view input) {
  // Bytes move from the input into what the client keeps, and count once there. What is
  // left counts at the end of the turn.
  self_.buffered = 0;
  reply_writer reply{home_.output, home_.server().options.max_reply};
  auto& batch = home_.batch;
  for (;;) {
    batch.clear();
    // Whether a stranger is one still is known only after each command.
    const auto stranger = is_stranger();
    const auto enough
      = stranger ? defaults::stranger_output : defaults::flush_size;
    parser_.trust(!stranger);
    const auto parsed
      = parser_.parse(input, batch, stranger ? 1 : defaults::batch_size);
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
        work_later();
      else
        await_taking();
      return false;
    }
    input.remove_prefix(parsed.consumed);
    if (parsed.state == resp_parser::status::full && !self_.leaving
        && self_.turn.over(defaults::turn_time)) {
      yield_turn(input);
      return false;
    }
    if (parsed.state == resp_parser::status::broken && !self_.leaving)
      refuse_stream(parser_.error());
    if (parsed.state != resp_parser::status::full || self_.leaving)
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
    work_later();
}

// Lets others have their turns before this one goes on.
void connection::work_later() {
  note_turn();
  if (!count())
    return evict();
  state_ = state::working;
  home_.go_on_later(shared_from_this());
}

void connection::go_on_with_turn() noexcept {
  guarded([](connection& x) { x.work(); });
}

void connection::work() {
  if (self_.unfinished) {
    reply_writer reply{home_.output, home_.server().options.max_reply};
    reply.protocol(self_.protocol);
    if (!continue_long(self_, reply))
      return work_later();
  }
  state_ = state::serving;
  if (!flush())
    return await_taking();
  if (serve(input_.view()))
    take_turn();
}

void connection::refuse_stream(std::string_view why) {
  reply_writer{home_.output}.error("ERR " + std::string{why});
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
    byte_buffer dense;
    dense.append(input_.view());
    input_ = std::move(dense);
  }
}

} // namespace troupe::server
