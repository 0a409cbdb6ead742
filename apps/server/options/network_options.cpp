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
        .help = "TCP port for Redis clients; 0: any free port"},
       into([](server_settings & x) -> auto& { return x.serve.port; }),
       [](const server_state& x) {
         return std::to_string(x.options.plain ? x.options.port : 0);
       }},
      {{.name = "bind",
        .kind = value_kind::text("LIST").checked(
          "up to 16 addresses, separated by blanks", bad_addresses),
        .preset = serve_options{}.bind,
        .help = "addresses to listen on, separated by blanks. An address with "
                "- before it may be missing. An address that other machines "
                "reach needs a password",
        .details = "Example: `127.0.0.1 -::1`. Commas may separate them, too; "
                   "`*` means 0.0.0.0. [Certificates](#certificates) can "
                   "replace the password. With port 0, the server listens on "
                   "the same free port of all addresses"},
       set_bind,
       [](const server_state& x) { return x.options.bind; }},
      {{.name = "no-plain",
        .kind = value_kind::flag(),
        .preset = "no",
        .help = "does not listen on a TCP port without TLS"},
       set_no_plain},
      {{.name = "unixsocket",
        .kind = value_kind::text("PATH"),
        .help = "path of a Unix socket on which the server also listens",
        .details = "See [below](#unix-socket)"},
       into([](server_settings & x) -> auto& { return x.serve.unix_socket; }),
       [](const server_state& x) { return x.options.unix_socket; }},
      {{.name = "unixsocketperm",
        .kind = value_kind::octal(0777),
        .preset = "0",
        .help = "permissions of that socket, octal (example: 770); 0: set by "
                "the umask"},
       into(
         [](server_settings & x) -> auto& { return x.serve.unix_socket_mode; }),
       [](const server_state& x) {
         return octal_text(x.options.unix_socket_mode);
       }},
      {{.name = "threads",
        .kind = value_kind::number(0, most_threads),
        .preset = "0",
        .help = "threads that serve connections; 0: the number of cores minus "
                "one"},
       set_threads},
      {{.name = "drain-timeout",
        .kind = value_kind::time(std::chrono::milliseconds{0}),
        .preset = value_kind::time({}).write(value{defaults::drain_timeout}),
        .help = "how long a shutdown waits for clients and loads together",
        .details = "`drain` in the console has a deadline of its own"},
       into([](server_settings & x) -> auto& { return x.drain_timeout; })},
    });
}

} // namespace troupe::server
