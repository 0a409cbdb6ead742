#include <troupe/actors/gate/detail/entering.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <poll.h>
#include <sys/socket.h>

#include <troupe/actors/gate/detail/protocol.hpp>
#include <troupe/actors/gate/detail/reaching.hpp>
#include <troupe/actors/gate/detail/reason.hpp>

namespace troupe::gate {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// Connections that a console makes at most, while each is closed before it is let in.
constexpr int most_tries = 50;

/// A short message on a fresh connection fits into the system's buffer.
expected<void> send_whole(int to, const wire_message& x) {
  const auto sent = ::send(to, x.data(), x.size(), MSG_NOSIGNAL);
  // A runtime that refuses a console may have closed already; its reason can still be
  // read.
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
    return {};
  if (sent != static_cast<ssize_t>(x.size()))
    return fail(errc::system_error, reason(errno));
  return {};
}

/// Returns nothing when the other side has closed.
expected<std::optional<wire_message>>
receive_whole(int from, steady::time_point deadline) {
  wire_message result{};
  std::size_t size = 0;
  while (size < result.size()) {
    if (!await(from, POLLIN, deadline))
      return late();
    const auto count
      = ::recv(from, result.data() + size, result.size() - size, 0);
    if (count == 0 || (count < 0 && errno == ECONNRESET))
      return std::nullopt;
    if (count < 0 && errno != EAGAIN && errno != EINTR)
      return fail(errc::system_error, reason(errno));
    size += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    // A peer with another protocol may send without end, or send no more.
    if (!may_be_message({result.data(), size}))
      break;
  }
  return result;
}

enum class ending : std::uint8_t { inside, closed };

expected<ending> talk(int with, visitor& self, steady::time_point deadline) {
  if (auto ok = send_whole(with, self.hello()); !ok)
    return tl::unexpected{std::move(ok.error())};
  for (;;) {
    const auto answer = receive_whole(with, deadline);
    if (!answer)
      return tl::unexpected{answer.error()};
    if (!*answer)
      return ending::closed;
    const auto next = self.take(**answer);
    if (!next)
      return tl::unexpected{next.error()};
    if (next->is_in)
      return ending::inside;
    if (next->reply)
      if (auto ok = send_whole(with, *next->reply); !ok)
        return tl::unexpected{std::move(ok.error())};
  }
}

} // namespace

expected<unique_descriptor> enter(const console_address& where,
                                  milliseconds timeout) {
  const auto deadline = steady::now() + timeout;
  std::optional<std::string> password;
  if (const auto* port = std::get_if<console_port>(&where)) {
    if (port->password.empty())
      return fail(errc::invalid_argument, "a TCP port needs the password");
    password = port->password;
  }
  // When many strangers connect, a listener closes some of the waiting connections. The
  // password becomes a key once, so that later tries are short.
  visitor self{std::move(password)};
  for (auto left = most_tries; left > 0; --left) {
    auto result = reach(where, deadline);
    if (!result)
      return result;
    const auto end = talk(result->get(), self, deadline);
    if (!end)
      return tl::unexpected{end.error()};
    if (*end == ending::inside)
      return result;
  }
  return fail(errc::system_error, "it closed the connection");
}

} // namespace troupe::gate
