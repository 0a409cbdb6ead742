#include "apps/console/probe.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace troupe::console {

std::string probe(const std::string& host, std::uint16_t port,
                  std::chrono::milliseconds timeout) {
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(timeout);
  stream.connect(host, std::to_string(port));
  if (stream)
    return {};
  if (stream.error() == boost::asio::error::operation_aborted)
    return "no answer in time";
  return stream.error().message();
}

} // namespace troupe::console
