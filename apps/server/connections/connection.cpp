#include "apps/server/connections/connection.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>

#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/state/defaults.hpp"

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

/// The place for the reply of one command.
class connection_slot final : public answer_slot {
public:
  connection_slot(std::shared_ptr<answer_line> line, waiting_time most,
                  std::weak_ptr<connection> owner)
    : answer_slot(std::move(line), std::move(most)), owner_(std::move(owner)) {
    // nop
  }

  void on_answer() noexcept override {
    if (const auto present = owner_.lock())
      present->resume_command();
  }

private:
  std::weak_ptr<connection> owner_;
};

} // namespace

connection::connection(workplace& home, net::transport peer, std::uint64_t id)
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
  self_.make_slot
    = [this](waiting_time most) { return make_slot(std::move(most)); };
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

std::shared_ptr<answer_slot> connection::make_slot(waiting_time most) {
  return std::make_shared<connection_slot>(home_.answers(), std::move(most),
                                           weak_from_this());
}

void connection::greet() {
  state_ = state::greeting;
  start_timer(home_.server().options.tls.handshake_timeout);
  shake_hands();
}

void connection::shake_hands() {
  switch (peer_.shake_hands()) {
    case net::progress::made:
      timer_.reset();
      // Commands may have come with the end of the handshake.
      return take_turn();
    case net::progress::blocked:
      return await(peer_.needed_to_read());
    case net::progress::broken:
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
  self_.leases.reset(); // After the wait, so that it gets no lease any more.
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

// -- what it keeps ---------------------------------------------------------------

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
  resp::reply_writer reply{home_.output};
  server::evict(self_, home_.counters(), reply);
  if (flush())
    static_cast<void>(finish());
  else
    await_taking();
}

} // namespace troupe::server
