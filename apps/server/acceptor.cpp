#include "apps/server/acceptor.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "apps/server/byte_buffer.hpp"
#include "apps/server/error_text.hpp"
#include "apps/server/reply_writer.hpp"

namespace troupe::server {

namespace asio = boost::asio;

namespace {

// Connections that wait in the kernel; it cuts the number to its own limit.
constexpr int backlog = 511;

// Connections accepted before others on the thread get their turn.
constexpr int accepts_per_turn = 64;

expected<asio::ip::address> parse_address(const std::string& text) {
  boost::system::error_code code;
  const auto address
    = asio::ip::make_address(text == "localhost" ? "127.0.0.1" : text, code);
  if (code)
    return fail(errc::invalid_argument,
                "--bind=" + text
                  + " is not an IP address, such as 127.0.0.1 or ::1");
  return address;
}

error listen_failure(const boost::system::error_code& code,
                     const asio::ip::tcp::endpoint& where,
                     const std::string& option) {
  const auto port = std::to_string(where.port());
  const auto address = where.address().to_string();
  if (code == asio::error::address_in_use)
    return {errc::system_error,
            "port " + port + " on " + address
              + " is in use; end the program that uses it, or choose another "
                "port with "
              + option + "=N (0: any free port)"};
  if (code == asio::error::access_denied)
    return {errc::system_error, "this user may not listen on port " + port
                                  + "; choose one above 1023 with " + option
                                  + "=N"};
  return {errc::system_error, "cannot listen on " + address + " port " + port
                                + ": " + code.message()};
}

} // namespace

bool is_loopback(const std::string& bind) {
  const auto address = parse_address(bind);
  return address && address->is_loopback();
}

expected<void> check_bind(const std::string& bind, bool guarded) {
  const auto address = parse_address(bind);
  if (!address)
    return tl::unexpected{address.error()};
  if (!address->is_loopback() && !guarded)
    return fail(errc::invalid_argument,
                "--bind=" + bind
                  + " is refused: other machines could reach that address "
                    "without authentication; set a password in "
                    "TROUPE_PASSWORD or with password=... below [server] in "
                    "the configuration file, or let only clients in that show "
                    "a certificate (--no-plain, --tls-auth-clients=yes), or "
                    "use 127.0.0.1 or ::1");
  return {};
}

std::optional<error> listen_problem(const std::string& address,
                                    std::uint16_t port,
                                    const std::string& option) {
  const auto parsed = parse_address(address);
  if (!parsed)
    return std::nullopt;
  const asio::ip::tcp::endpoint where{*parsed, port};
  asio::io_context context;
  asio::ip::tcp::acceptor probe{context};
  boost::system::error_code code;
  probe.open(where.protocol(), code);
  if (!code)
    probe.set_option(asio::socket_base::reuse_address{true}, code);
  if (!code)
    probe.bind(where, code);
  if (!code)
    probe.listen(1, code);
  if (!code)
    return std::nullopt;
  return listen_failure(code, where, option);
}

acceptor::acceptor(std::vector<std::unique_ptr<worker>>& workers,
                   server_state& server, kind what)
  : workers_(workers),
    server_(server),
    kind_(what),
    context_(workers.front()->context()),
    socket_(context_.get_executor()),
    pause_timer_(context_.get_executor()) {
  // nop
}

expected<void> acceptor::listen() {
  const auto& options = server_.options;
  if (auto ok = check_bind(options.bind, server_.access.required()
                                           || options.wants_certificates());
      !ok)
    return ok;
  const auto is_tls = kind_ == kind::tls;
  const asio::ip::tcp::endpoint where{
    *parse_address(options.bind), is_tls ? *options.tls.port : options.port};
  error_code code;
  socket_.open(where.protocol(), code);
  if (!code)
    socket_.set_option(asio::socket_base::reuse_address{true}, code);
  if (!code)
    socket_.bind(where, code);
  if (!code)
    socket_.listen(backlog, code);
  if (!code)
    socket_.non_blocking(true, code);
  if (code)
    return tl::unexpected{
      listen_failure(code, where, is_tls ? "--tls-port" : "--port")};
  return {};
}

std::uint16_t acceptor::port() const {
  error_code ignored;
  return socket_.local_endpoint(ignored).port();
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
  socket_.async_wait(asio::socket_base::wait_read, [this](error_code code) {
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
  byte_buffer text;
  reply_writer{text}.error(error_text::too_many_clients);
  // The buffer of a new socket takes it, or nobody will read it.
  static_cast<void>(::send(socket.socket.get(), text.data(), text.size(),
                           MSG_DONTWAIT | MSG_NOSIGNAL));
}

} // namespace troupe::server
