#include "apps/server/connections/worker.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "apps/net/tls_context.hpp"
#include "apps/net/transport.hpp"
#include "apps/server/connections/connection.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace asio = boost::asio;

worker::worker(server_state& server, thread_counters& counters)
  : workplace(server, counters),
    guard_(context().get_executor()),
    idle_timer_(context().get_executor()) {
  // nop
}

worker::~worker() = default;

void worker::run() {
  watch().start();
  watch_idle();
  context().run();
}

void worker::watch_idle() {
  idle_timer_.expires_after(defaults::idle_check);
  idle_timer_.async_wait([this](boost::system::error_code code) {
    if (code || !guard_.owns_work())
      return;
    close_idle();
    // Without memory, nothing was posted for them.
    serve_answers();
    watch_idle();
  });
}

void worker::close_idle() {
  const std::chrono::seconds timeout = server().live.idle_timeout;
  if (timeout.count() == 0)
    return;
  const auto moment = std::chrono::steady_clock::now() - timeout;
  // From the end: whoever closes is replaced by the last one, which was looked
  // at before.
  for (auto i = connections_.size(); i > 0; --i) {
    const auto x = connections_[i - 1];
    x->close_if_idle_since(moment);
  }
}

void worker::adopt(accepted_socket socket) {
  load_.fetch_add(1, std::memory_order_relaxed);
  asio::post(context(), [this, socket = std::move(socket)]() mutable {
    open(std::move(socket));
  });
}

void worker::drain() {
  asio::post(context(), [this] { start_draining(); });
}

void worker::abort() {
  asio::post(context(), [this] {
    begin_draining();
    while (!connections_.empty()) {
      const auto last = connections_.back();
      last->close();
    }
    end_when_empty();
  });
}

void worker::cut(std::uint64_t id) {
  asio::post(context(), [this, id] {
    const auto found
      = std::find_if(connections_.begin(), connections_.end(),
                     [id](const auto& x) { return x->id() == id; });
    if (found != connections_.end()) {
      const auto held = *found;
      held->close();
    }
  });
}

void worker::open(accepted_socket socket) {
  net::tls_session session;
  if (socket.is_tls)
    session = server().tls.context()->make_session(socket.socket.get());
  if (draining() || (socket.is_tls && session == nullptr)) {
    load_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const auto id = server().next_client.fetch_add(1, std::memory_order_relaxed);
  counters().connections_opened.add(1);
  counters().connected.add(1);
  // A copy: it may close at once.
  const auto opened = connections_.emplace_back(std::make_shared<connection>(
    *this, net::transport{std::move(socket.socket), std::move(session)}, id));
  opened->slot = connections_.size() - 1;
  opened->start();
}

void worker::go_on_later(std::shared_ptr<connection> x) {
  line_.push_back(std::move(x));
  if (!std::exchange(line_posted_, true))
    asio::post(context(), [this] { serve_line(); });
}

// What is posted runs behind a look at the sockets. So the next in the line is posted
// by this one, and not together with it.
void worker::serve_line() {
  const auto first = std::move(line_.front());
  line_.pop_front();
  line_posted_ = !line_.empty();
  if (line_posted_)
    asio::post(context(), [this] { serve_line(); });
  first->go_on_with_turn();
}

void worker::remove(connection& x) noexcept {
  const auto slot = x.slot;
  std::swap(connections_[slot], connections_.back());
  connections_[slot]->slot = slot;
  counters().connected.add(-1);
  load_.fetch_sub(1, std::memory_order_relaxed);
  // Whoever called still holds the connection: it is one of its handlers, or
  // the loop in `abort` or `start_draining`.
  connections_.pop_back();
  end_when_empty();
}

void worker::start_draining() {
  begin_draining();
  // A copy: connections leave while we walk.
  const auto present = connections_;
  for (const auto& x : present)
    x->drain();
  end_when_empty();
}

void worker::end_when_empty() noexcept {
  if (draining() && connections_.empty()) {
    guard_.reset();
    idle_timer_.cancel();
    watch().stop();
  }
}

} // namespace troupe::server
