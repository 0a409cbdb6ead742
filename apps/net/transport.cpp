#include "apps/net/transport.hpp"

#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace troupe::net {

namespace {

std::string text_of(const sockaddr_storage& from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto size = static_cast<socklen_t>(text.size());
  if (from.ss_family == AF_INET6) {
    const auto& x = reinterpret_cast<const sockaddr_in6&>(from);
    if (::inet_ntop(AF_INET6, &x.sin6_addr, text.data(), size) != nullptr)
      return "[" + std::string{text.data()}
             + "]:" + std::to_string(ntohs(x.sin6_port));
  } else if (from.ss_family == AF_INET) {
    const auto& x = reinterpret_cast<const sockaddr_in&>(from);
    if (::inet_ntop(AF_INET, &x.sin_addr, text.data(), size) != nullptr)
      return std::string{text.data()} + ":" + std::to_string(ntohs(x.sin_port));
  } else if (from.ss_family == AF_UNIX) {
    // As Redis. The storage behind the address is zero.
    return std::string{reinterpret_cast<const sockaddr_un&>(from).sun_path}
           + ":0";
  }
  return "?";
}

/// The address that `get` tells of.
template <class F>
std::string address_of(int socket, F get) {
  sockaddr_storage result{};
  socklen_t size = sizeof(result);
  return get(socket, reinterpret_cast<sockaddr*>(&result), &size) == 0
           ? text_of(result)
           : "?";
}

} // namespace

transport::transport(unique_descriptor socket, tls_session session) noexcept
  : socket_(std::move(socket)), session_(std::move(session)) {
  // Replies are whole: they do not wait for others.
  const int on = 1;
  ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// The other end of a Unix socket has no name.
std::string transport::peer_address() const {
  return is_local() ? local_address() : address_of(descriptor(), ::getpeername);
}

std::string transport::local_address() const {
  return address_of(descriptor(), ::getsockname);
}

bool transport::is_local() const noexcept {
  int family = 0;
  socklen_t size = sizeof(family);
  return ::getsockopt(descriptor(), SOL_SOCKET, SO_DOMAIN, &family, &size) == 0
         && family == AF_UNIX;
}

bool transport::has_unread() const noexcept {
  int bytes = 0;
  return ::ioctl(descriptor(), FIONREAD, &bytes) == 0 && bytes > 0;
}

bool transport::hung_up() const noexcept {
  pollfd look{.fd = descriptor(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

// -- plain -----------------------------------------------------------------------

reading transport::read_plain(char* to, std::size_t room) noexcept {
  const auto size = ::recv(descriptor(), to, room, 0);
  if (size > 0) {
    const auto count = static_cast<std::size_t>(size);
    return {count, count < room ? received::all : received::some};
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return {0, received::nothing};
  return {0, received::ended};
}

writing transport::write_plain(std::string_view bytes) noexcept {
  const auto size
    = ::send(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0)
    return {static_cast<std::size_t>(size), progress::made};
  if (errno == EINTR)
    return {0, progress::made};
  return {0, errno == EAGAIN ? progress::blocked : progress::broken};
}

// -- TLS ---------------------------------------------------------------------------

progress transport::shake_hands() noexcept {
  ERR_clear_error();
  const auto result = SSL_do_handshake(session_.get());
  if (result == 1) {
    greeted_ = true;
    input_sends_ = false;
    return progress::made;
  }
  const auto why = SSL_get_error(session_.get(), result);
  input_sends_ = why == SSL_ERROR_WANT_WRITE;
  if (input_sends_ || why == SSL_ERROR_WANT_READ)
    return progress::blocked;
  usable_ = false;
  ERR_clear_error();
  return progress::broken;
}

// A record after the other until there is no room or no whole record, as a read
// of the socket would: whoever reads relies on `all`.
reading transport::read_tls(char* to, std::size_t room) noexcept {
  reading result;
  input_sends_ = false;
  holds_input_ = false;
  while (usable_ && result.size < room) {
    std::size_t size = 0;
    ERR_clear_error();
    const auto done = SSL_read_ex(session_.get(), to + result.size,
                                  room - result.size, &size);
    result.size += size;
    if (done == 1)
      continue;
    const auto why = SSL_get_error(session_.get(), done);
    input_sends_ = why == SSL_ERROR_WANT_WRITE;
    if (input_sends_ || why == SSL_ERROR_WANT_READ) {
      result.how = result.size > 0 ? received::all : received::nothing;
      return result;
    }
    // The peer said goodbye; anything else leaves the session of no use.
    if (why != SSL_ERROR_ZERO_RETURN)
      usable_ = false;
    ERR_clear_error();
    break;
  }
  // With nothing read the end is told; else it is found again by the next read.
  result.how = result.size > 0 ? received::some : received::ended;
  holds_input_ = result.size > 0;
  return result;
}

writing transport::write_tls(std::string_view bytes) noexcept {
  if (!usable_)
    return {0, progress::broken};
  std::size_t size = 0;
  output_receives_ = false;
  ERR_clear_error();
  const auto done
    = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &size);
  unsent_ = done != 1;
  if (done == 1)
    return {size, progress::made};
  const auto why = SSL_get_error(session_.get(), done);
  output_receives_ = why == SSL_ERROR_WANT_READ;
  if (output_receives_ || why == SSL_ERROR_WANT_WRITE)
    return {0, progress::blocked};
  usable_ = false;
  ERR_clear_error();
  return {0, progress::broken};
}

// The message that ends a session tells it from one that was cut. It is not
// waited for, and cannot be put between the pieces of a record.
void transport::say_goodbye() noexcept {
  if (session_ == nullptr || !usable_ || !greeted_ || unsent_
      || std::exchange(left_, true))
    return;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(session_.get()));
  ERR_clear_error();
}

// -- the end -------------------------------------------------------------------------

bool transport::end_output() noexcept {
  say_goodbye();
  return ::shutdown(descriptor(), SHUT_WR) == 0;
}

void transport::close() noexcept {
  say_goodbye();
  socket_.close();
}

} // namespace troupe::net
