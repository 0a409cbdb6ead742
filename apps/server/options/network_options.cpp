// Options of the network: ports, addresses, the Unix socket, and threads.

#include <array>
#include <charconv>
#include <string>
#include <thread>
#include <utility>

#include "apps/net/bind_addresses.hpp"
#include "apps/server/options/option_families.hpp"

namespace troupe::server {

namespace {

using settings::value;
using settings::value_kind;

constexpr std::int64_t most_threads = 1024;

std::string bad_addresses(const value& x) {
  const auto read = net::parse_bind(std::get<std::string>(x));
  return read ? std::string{} : read.error().text();
}

expected<void> set_bind(server_settings& to, const value& x) {
  return net::parse_bind(std::get<std::string>(x))
    .map([&](const std::vector<net::bind_address>& all) {
      to.serve.bind = text_of(all);
    });
}

expected<void> set_threads(server_settings& to, const value& x) {
  const auto wanted = static_cast<std::size_t>(std::get<std::int64_t>(x));
  to.serve.threads = wanted != 0
                       ? wanted
                       : defaults::threads(std::thread::hardware_concurrency());
  return {};
}

expected<void> set_no_plain(server_settings& to, const value& x) {
  to.serve.plain = !std::get<bool>(x);
  return {};
}

std::string octal_text(mode_t x) {
  std::array<char, 8> text{};
  const auto end
    = std::to_chars(text.data(), text.data() + text.size(), x, 8).ptr;
  return {text.data(), end};
}

} // namespace

std::vector<server_option> network_options() {
  return under(
    "Network",
    {
      {{.name = "port",
        .letter = 'p',
        .kind = value_kind::number(0, 65'535),
        .preset = std::to_string(defaults::port),
        .help = "TCP port for Redis clients; 0: any free one"},
       into([](server_settings & x) -> auto& { return x.serve.port; }),
       [](const server_state& x) {
         return std::to_string(x.options.plain ? x.options.port : 0);
       }},
      {{.name = "bind",
        .kind = value_kind::text("LIST").checked(
          "up to 16 addresses, blanks in between", bad_addresses),
        .preset = serve_options{}.bind,
        .help = "addresses to listen on, blanks in between; one with - before "
                "it may be missing; one that others reach needs a password",
        .details
        = "Example: `127.0.0.1 -::1`. Commas may stand in between, too; `*` is "
          "0.0.0.0. [Certificates](#certificates) stand in for the password. "
          "With port "
          "0, all listen on the same free port"},
       set_bind,
       [](const server_state& x) { return x.options.bind; }},
      {{.name = "no-plain",
        .kind = value_kind::flag(),
        .preset = "no",
        .help = "listens on no TCP port without TLS"},
       set_no_plain},
      {{.name = "unixsocket",
        .kind = value_kind::text("PATH"),
        .help = "path of a Unix socket to listen on, too",
        .details = "See [below](#unix-socket)"},
       into([](server_settings & x) -> auto& { return x.serve.unix_socket; }),
       [](const server_state& x) { return x.options.unix_socket; }},
      {{.name = "unixsocketperm",
        .kind = value_kind::octal(0777),
        .preset = "0",
        .help = "permissions of that file, octal as 770; 0: as the umask says"},
       into(
         [](server_settings & x) -> auto& { return x.serve.unix_socket_mode; }),
       [](const server_state& x) {
         return octal_text(x.options.unix_socket_mode);
       }},
      {{.name = "threads",
        .kind = value_kind::number(0, most_threads),
        .preset = "0",
        .help = "threads that serve connections; 0: one per core but one"},
       set_threads},
      {{.name = "drain-timeout",
        .kind = value_kind::time(std::chrono::milliseconds{0}),
        .preset = value_kind::time({}).write(value{defaults::drain_timeout}),
        .help = "how long a stop waits for clients and loads together",
        .details = "`drain DEADLINE` in the console has its own"},
       into([](server_settings & x) -> auto& { return x.drain_timeout; })},
    });
}

} // namespace troupe::server
