#include "apps/server/connections/acceptor.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "apps/net/byte_buffer.hpp"
#include "apps/resp/error_text.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace asio = boost::asio;

namespace {

// Connections accepted before others on the thread get their turn.
constexpr int accepts_per_turn = 64;

} // namespace

acceptor::acceptor(std::vector<std::unique_ptr<worker>>& workers,
                   server_state& server, kind what, unique_descriptor socket)
  : workers_(workers),
    server_(server),
    kind_(what),
    context_(workers.front()->context()),
    socket_(context_.get_executor(), socket.release()),
    pause_timer_(context_.get_executor()) {
  // nop
}

void acceptor::start() {
  asio::post(context_, [this] { wait(); });
}

void acceptor::stop() {
  asio::post(context_, [this] {
    error_code ignored;
    socket_.close(ignored);
    pause_timer_.cancel();
  });
}

void acceptor::wait() {
  socket_.async_wait(asio::posix::descriptor_base::wait_read,
                     [this](error_code code) {
                       if (!code)
                         accept_all();
                     });
}

void acceptor::accept_all() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    const auto descriptor = ::accept4(socket_.native_handle(), nullptr, nullptr,
                                      SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0)
      take({unique_descriptor{descriptor}, kind_ == kind::tls});
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR && errno != ECONNABORTED)
      return pause();
  }
  wait();
}

// Out of descriptors or memory: the waiting client stays in the kernel's queue,
// which would report it again at once.
void acceptor::pause() {
  pause_timer_.expires_after(defaults::accept_pause);
  pause_timer_.async_wait([this](error_code code) {
    if (!code)
      accept_all();
  });
}

void acceptor::take(accepted_socket socket) {
  std::size_t present = 0;
  auto* least = workers_.front().get();
  for (const auto& x : workers_) {
    present += x->load();
    if (x->load() < least->load())
      least = x.get();
  }
  if (present >= server_.live.max_connections.load())
    return refuse(std::move(socket));
  least->adopt(std::move(socket));
}

void acceptor::refuse(accepted_socket socket) {
  server_.threads.front().connections_rejected.add(1);
  // A client of TLS could not read the reason before a handshake.
  if (socket.is_tls)
    return;
  net::byte_buffer text;
  resp::reply_writer{text}.error(resp::error_text::too_many_clients);
  // The buffer of a new socket takes it, or nobody will read it.
  static_cast<void>(::send(socket.socket.get(), text.data(), text.size(),
                           MSG_DONTWAIT | MSG_NOSIGNAL));
}

} // namespace troupe::server
