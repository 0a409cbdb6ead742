#include <troupe/actors/gate/detail/tcp_address.hpp>

#include <algorithm>

#include <netinet/in.h>
#include <sys/socket.h>

namespace troupe::gate {

expected<addresses> look_up(const std::string& host, std::uint16_t port,
                            int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto code
    = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return fail(errc::system_error, ::gai_strerror(code));
  return addresses{found, &::freeaddrinfo};
}

std::vector<const addrinfo*> in_order(const addresses& found) {
  std::vector<const addrinfo*> result;
  for (const auto* x = found.get(); x != nullptr; x = x->ai_next)
    result.push_back(x);
  std::stable_partition(result.begin(), result.end(), [](const addrinfo* x) {
    if (x->ai_family != AF_INET)
      return false;
    const auto& address = *reinterpret_cast<const sockaddr_in*>(x->ai_addr);
    return address.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  });
  return result;
}

unique_descriptor socket_for(const addrinfo& x) noexcept {
  return unique_descriptor{::socket(
    x.ai_family, x.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, x.ai_protocol)};
}

} // namespace troupe::gate
