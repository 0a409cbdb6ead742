#include "apps/server/transport.hpp"

#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

namespace troupe::server {

// -- plain -----------------------------------------------------------------------

reading transport::read_plain(char* to, std::size_t room) noexcept {
  const auto size = ::recv(peer_.native_handle(), to, room, 0);
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
    = ::send(peer_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
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
  error_code code;
  peer_.shutdown(socket::shutdown_send, code);
  return !code;
}

void transport::close() noexcept {
  say_goodbye();
  error_code ignored;
  peer_.close(ignored);
}

} // namespace troupe::server
