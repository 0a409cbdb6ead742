#include <apps/bench/net/client.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <apps/bench/net/program.hpp>

namespace troupe::bench {

namespace {

/// A server that sends nothing for this time has failed.
constexpr time_t silence_seconds = 120;

/// Keys that are set before their replies are read. The replies of a batch fit into any
/// socket's buffer, so that neither side waits for the other to read.
constexpr std::uint64_t keys_per_batch = 500;

/// The quoted fields of a line.
std::vector<std::string> quoted_fields(std::string_view line) {
  std::vector<std::string> result;
  for (auto begin = line.find('"'); begin != line.npos;
       begin = line.find('"', begin)) {
    auto end = line.find('"', begin + 1);
    if (end == line.npos)
      break;
    result.emplace_back(line.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return result;
}

std::string_view next_line(std::string_view& text) {
  auto end = std::min(text.find('\n'), text.size());
  auto result = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return result;
}

/// A connection that blocks, with a bound on the silence of the other side.
class connection {
public:
  explicit connection(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval patience{silence_seconds, 0};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto ready = socket_ >= 0
                 && ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience,
                                 sizeof(patience))
                      == 0
                 && ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience,
                                 sizeof(patience))
                      == 0
                 && ::connect(socket_, reinterpret_cast<sockaddr*>(&address),
                              sizeof(address))
                      == 0;
    if (ready)
      return;
    if (socket_ >= 0)
      ::close(socket_);
    throw std::runtime_error("cannot connect to the server");
  }

  ~connection() {
    ::close(socket_);
  }

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send(std::string_view data) {
    while (!data.empty()) {
      auto n = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (n <= 0)
        throw std::runtime_error("the server does not read its requests");
      data.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// The next line, without its end.
  std::string read_line() {
    for (;;) {
      if (auto end = received_.find("\r\n", read_); end != received_.npos) {
        auto result = received_.substr(read_, end - read_);
        read_ = end + 2;
        return result;
      }
      received_.erase(0, std::exchange(read_, 0));
      std::array<char, 1 << 14> buffer;
      auto n = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (n <= 0)
        throw std::runtime_error("the server does not answer");
      received_.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

private:
  int socket_;
  std::string received_;
  std::size_t read_ = 0; ///< How much of `received_` was handed out.
};

void append_bulk(std::string& out, std::string_view text) {
  out += "$" + std::to_string(text.size()) + "\r\n";
  out += text;
  out += "\r\n";
}

} // namespace

expected<drive_result> read_csv(std::string_view text) {
  auto head = quoted_fields(next_line(text));
  auto values = quoted_fields(next_line(text));
  auto field = [&](std::string_view name) -> std::optional<double> {
    auto i = std::find(head.begin(), head.end(), name) - head.begin();
    if (i >= std::ssize(head) || i >= std::ssize(values))
      return std::nullopt;
    return std::strtod(values[static_cast<std::size_t>(i)].c_str(), nullptr);
  };
  auto rate = field("rps");
  auto p99 = field("p99_latency_ms");
  if (!rate || !p99)
    return fail(errc::decode_failed, "redis-benchmark printed no figures");
  if (!std::isfinite(*rate) || *rate <= 0)
    return fail(errc::invalid_argument,
                "redis-benchmark ended too soon to measure; use more requests");
  return drive_result{*rate, *p99};
}

expected<drive_result> drive(const drive_request& x) {
  std::vector<std::string> command = {"redis-benchmark",
                                      "--csv",
                                      "-p",
                                      std::to_string(x.port),
                                      "-t",
                                      x.test,
                                      "-n",
                                      std::to_string(x.requests),
                                      "-c",
                                      std::to_string(x.clients),
                                      "-P",
                                      std::to_string(x.pipeline),
                                      "-d",
                                      std::to_string(x.value_size),
                                      "-r",
                                      std::to_string(x.keys)};
  if (x.threads > 1)
    command.insert(command.end(), {"--threads", std::to_string(x.threads)});
  return read_csv(output_of(std::move(command)));
}

std::string drawn_key(std::uint64_t number) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "key:%012llu",
                static_cast<unsigned long long>(number));
  return buffer;
}

std::uint64_t load_keys(std::uint16_t port, std::uint64_t keys,
                        std::uint64_t value_size) {
  connection server{port};
  std::string value(value_size, 'x');
  std::string requests;
  for (std::uint64_t first = 0; first < keys; first += keys_per_batch) {
    auto last = std::min(first + keys_per_batch, keys);
    requests.clear();
    for (auto i = first; i < last; ++i) {
      requests += "*3\r\n$3\r\nSET\r\n";
      append_bulk(requests, drawn_key(i));
      append_bulk(requests, value);
    }
    server.send(requests);
    for (auto i = first; i < last; ++i)
      if (auto reply = server.read_line(); reply != "+OK")
        throw std::runtime_error("the server refused a SET: " + reply);
  }
  server.send("*1\r\n$6\r\nDBSIZE\r\n");
  auto reply = server.read_line();
  std::uint64_t result = 0;
  auto [end, code]
    = std::from_chars(reply.data() + 1, reply.data() + reply.size(), result);
  if (!reply.starts_with(':') || code != std::errc{}
      || end != reply.data() + reply.size())
    throw std::runtime_error("the server did not count its keys: " + reply);
  return result;
}

} // namespace troupe::bench
