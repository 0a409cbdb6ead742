#include "apps/server/connection.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include "apps/server/messages.hpp"
#include "apps/server/worker.hpp"

namespace troupe::server {

namespace asio = boost::asio;

namespace {

/// The queue of messages of one connection.
class connection_subscriber final : public subscriber {
public:
  /// `context` lives until the connection has closed.
  connection_subscriber(subscriber_limits limits, asio::io_context& context,
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

} // namespace

connection::connection(worker& home, socket peer, std::uint64_t id)
  : home_(home), peer_(std::move(peer)), parser_(home.server().options.limits) {
  self_.id = id;
  self_.authenticated = !home.server().access.required();
}

// A handler that keeps the connection alive, and closes it when memory for its
// buffers is refused.
template <class F>
auto connection::guarded(F f) {
  return [self = shared_from_this(), f](error_code code, auto... rest) {
    if (self->state_ == state::closed)
      return;
    try {
      f(*self, code, rest...);
    } catch (const std::exception&) {
      self->home_.output.truncate(0);
      self->close();
    }
  };
}

void connection::start() {
  self_.make_subscriber = [this] {
    return std::make_shared<connection_subscriber>(
      home_.server().options.pubsub, home_.context(), weak_from_this());
  };
  error_code ignored;
  peer_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  peer_.non_blocking(true, ignored);
  enter_registry();
  wait();
}

void connection::enter_registry() {
  const auto text = [](const asio::ip::tcp::endpoint& x) {
    const auto address = x.address().to_string();
    return (x.address().is_v6() ? "[" + address + "]" : address) + ":"
           + std::to_string(x.port());
  };
  error_code ignored;
  auto entry = std::make_shared<client_record>();
  entry->id = self_.id;
  entry->address = text(peer_.remote_endpoint(ignored));
  entry->local_address = text(peer_.local_endpoint(ignored));
  entry->descriptor = peer_.native_handle();
  entry->cut = [&home = home_, id = self_.id] { home.cut(id); };
  self_.record = entry;
  home_.server().clients.add(std::move(entry));
}

void connection::note_turn() noexcept {
  record(self_);
  if (self_.record == nullptr)
    return;
  self_.record->input.store(input_.size(), std::memory_order_relaxed);
  self_.record->output.store(pending_.size(), std::memory_order_relaxed);
}

void connection::close() noexcept {
  if (std::exchange(state_, state::closed) == state::closed)
    return;
  error_code ignored;
  self_.listening.reset();
  linger_timer_.reset();
  peer_.close(ignored);
  home_.server().clients.remove(self_.id);
  home_.remove(*this);
}

// Whoever receives messages of others may be silent, as at Redis.
void connection::close_if_idle_since(
  std::chrono::steady_clock::time_point moment) noexcept {
  const auto* const x = self_.record.get();
  if (state_ == state::waiting && x != nullptr
      && x->last_active.load(std::memory_order_relaxed) <= moment
      && x->type() == std::string_view{"normal"})
    close();
}

void connection::drain() {
  if (state_ != state::waiting)
    return;
  error_code ignored;
  peer_.cancel(ignored);
  take_turn();
}

// -- reading ---------------------------------------------------------------------

void connection::wait() {
  if (home_.draining())
    return leave();
  state_ = state::waiting;
  note_turn();
  await_readable();
}

// Messages are sent while a wait is under way; it is not begun twice.
void connection::await_readable() {
  if (std::exchange(awaited_, true))
    return;
  peer_.async_wait(socket::wait_read,
                   guarded([](connection& self, error_code code) {
                     self.awaited_ = false;
                     self.on_readable(code);
                   }));
}

void connection::on_readable(error_code code) {
  if (code == asio::error::operation_aborted || state_ == state::sending)
    return;
  if (code)
    return close();
  if (state_ == state::lingering)
    return discard();
  take_turn();
}

void connection::take_turn() {
  state_ = state::serving;
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    bytes_view input;
    const auto how = receive(input);
    if (how == received::ended)
      return close();
    if (how == received::nothing)
      break;
    if (!serve(input))
      return;
    if (how == received::all)
      break;
  }
  wait();
}

// Without a rest of the last turn, the thread's buffer serves. It holds what
// most turns bring, and needs no memory of the connection's own.
connection::received connection::receive(bytes_view& input) {
  auto& buffer = input_.empty() ? home_.input : input_;
  if (input_.empty())
    buffer.truncate(0);
  buffer.prepare(input_.empty() ? defaults::read_size : defaults::kept_input);
  const auto room = buffer.capacity() - buffer.size();
  error_code code;
  const auto size
    = peer_.read_some(asio::buffer(buffer.prepare(room), room), code);
  buffer.commit(size);
  home_.counters().bytes_read.add(size);
  input = buffer.view();
  return classify(code, size, room);
}

connection::received connection::classify(error_code code, std::size_t size,
                                          std::size_t room) noexcept {
  if (code == asio::error::would_block || code == asio::error::interrupted)
    return received::nothing;
  if (code || size == 0)
    return received::ended;
  return size < room ? received::all : received::some;
}

// Executes the complete commands of `input`, which is the thread's buffer or
// `input_`, and keeps the rest. False when the turn is over: replies wait for
// the client, or it is on its way out.
bool connection::serve(bytes_view input) {
  reply_writer reply{home_.output, home_.server().options.max_reply};
  auto& batch = home_.batch;
  for (;;) {
    batch.clear();
    // Whether a stranger is one still is known only after each command.
    const auto stranger
      = !self_.authenticated && home_.server().access.required();
    parser_.trust(!stranger);
    const auto parsed
      = parser_.parse(input, batch, stranger ? 1 : defaults::batch_size);
    for (std::size_t next = 0; next < batch.size() && !self_.leaving;) {
      next = home_.commands.run(batch, next, self_, reply);
      if (reply.pending() < defaults::flush_size || flush())
        continue;
      keep(input.substr(next < batch.size() ? batch.offset(next)
                                            : parsed.consumed));
      // What was not executed is parsed again.
      parser_.reset();
      return false;
    }
    input.remove_prefix(parsed.consumed);
    if (parsed.state == resp_parser::status::broken && !self_.leaving)
      refuse_stream();
    if (parsed.state != resp_parser::status::full || self_.leaving)
      break;
  }
  keep(input);
  if (!flush_with_messages())
    return false;
  return finish();
}

void connection::refuse_stream() {
  reply_writer{home_.output}.error("ERR " + parser_.error());
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
    input_.clear(defaults::kept_input);
}

// -- sending ---------------------------------------------------------------------

// Sends the gathered replies. False when the client does not take all of them
// now; `on_sent` goes on then.
bool connection::flush() {
  auto& out = home_.output;
  std::size_t sent = 0;
  while (sent < out.size() && !broken_) {
    error_code code;
    sent += peer_.write_some(asio::buffer(out.data() + sent, out.size() - sent),
                             code);
    if (code == asio::error::would_block) {
      send_rest(sent);
      return false;
    }
    broken_ = code && code != asio::error::interrupted;
  }
  home_.counters().bytes_written.add(sent);
  out.clear(defaults::kept_output);
  // Nobody reads any more: what remains to be executed has no witness.
  self_.leaving = self_.leaving || broken_;
  return true;
}

// As `flush`, with the messages that have come for the client behind it.
bool connection::flush_with_messages() {
  reply_writer reply{home_.output};
  reply.protocol(self_.protocol);
  for (int i = 0; i < defaults::bursts_per_turn; ++i) {
    const auto more = !self_.leaving && write_messages(self_, reply);
    if (!flush())
      return false;
    if (!more)
      return true;
  }
  // Others first; what is left does not wake anybody.
  asio::post(peer_.get_executor(),
             [self = shared_from_this()] { self->resume_messages(); });
  return true;
}

void connection::resume_messages() {
  guarded([](connection& self, error_code) { self.on_messages(); })({});
}

void connection::on_messages() {
  if (!self_.listening || state_ == state::closed)
    return;
  if (self_.listening->who()->state() == subscriber_state::cut) {
    home_.counters().subscribers_cut.add(1);
    return close();
  }
  if (state_ != state::waiting)
    return;
  state_ = state::serving;
  if (flush_with_messages() && finish())
    wait();
}

void connection::send_rest(std::size_t sent) {
  home_.counters().bytes_written.add(sent);
  pending_.swap(home_.output);
  state_ = state::sending;
  note_turn();
  asio::async_write(
    peer_, asio::buffer(pending_.data() + sent, pending_.size() - sent),
    guarded([](connection& self, error_code code, std::size_t size) {
      self.on_sent(code, size);
    }));
}

void connection::on_sent(error_code code, std::size_t size) {
  home_.counters().bytes_written.add(size);
  pending_.clear(0);
  if (code)
    return close();
  state_ = state::serving;
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
  error_code ignored;
  self_.listening.reset();
  if (broken_ || (home_.draining() && peer_.available(ignored) == 0))
    close();
  else
    linger();
}

void connection::linger() {
  error_code code;
  peer_.shutdown(socket::shutdown_send, code);
  if (code)
    return close();
  state_ = state::lingering;
  input_.clear(0);
  linger_timer_.emplace(peer_.get_executor(), defaults::linger);
  linger_timer_->async_wait(guarded([](connection& self, error_code ended) {
    if (!ended)
      self.close();
  }));
  discard();
}

void connection::discard() {
  for (int i = 0; i < defaults::reads_per_turn; ++i) {
    bytes_view ignored;
    const auto how = receive(ignored);
    if (how == received::ended)
      return close();
    if (how == received::nothing)
      break;
  }
  await_readable();
}

} // namespace troupe::server
