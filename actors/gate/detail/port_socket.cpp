#include <troupe/actors/gate/detail/port_socket.hpp>

#include <array>
#include <cerrno>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

#include <troupe/actors/gate/detail/reason.hpp>
#include <troupe/actors/gate/detail/tcp_address.hpp>

namespace troupe::gate {

namespace {

/// Connections that the system keeps until they are accepted.
constexpr int backlog = 64;

expected<std::uint16_t> port_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  std::array<char, NI_MAXSERV> text{};
  auto* const address = reinterpret_cast<sockaddr*>(&bound);
  if (::getsockname(descriptor, address, &size) != 0
      || ::getnameinfo(address, size, nullptr, 0, text.data(), text.size(),
                       NI_NUMERICSERV)
           != 0)
    return fail(errc::system_error, reason(errno));
  return static_cast<std::uint16_t>(std::stoul(text.data()));
}

} // namespace

expected<port_socket> listen_on(const std::string& host, std::uint16_t port) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::system_error, "cannot listen on " + host + ":"
                                      + std::to_string(port) + " (" + why
                                      + ")");
  };
  const auto found = look_up(host, port, AI_PASSIVE);
  if (!found)
    return refuse(found.error().text());
  const auto& chosen = *in_order(*found).front();
  auto made = socket_for(chosen);
  const int on = 1;
  if (made.get() < 0
      || ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))
           != 0
      || ::bind(made.get(), chosen.ai_addr, chosen.ai_addrlen) != 0
      || ::listen(made.get(), backlog) != 0)
    return refuse(reason(errno));
  auto used = port_of(made.get());
  if (!used)
    return refuse(used.error().text());
  return port_socket{std::move(made), *used};
}

} // namespace troupe::gate
