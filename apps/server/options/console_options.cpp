// Options of the socket and the port for troupe-console.

#include "apps/server/options/option_families.hpp"

namespace troupe::server {

namespace {

using settings::value;
using settings::value_kind;

expected<void> set_port(server_settings& to, const value& x) {
  const auto port = std::get<std::int64_t>(x);
  to.console.port.reset();
  if (port >= 0)
    to.console.port = static_cast<std::uint16_t>(port);
  return {};
}

expected<void> set_no_console(server_settings& to, const value& x) {
  to.console.is_open = !std::get<bool>(x);
  return {};
}

} // namespace

std::vector<server_option> console_options() {
  return under(
    "Console",
    {
      {{.name = "console-socket",
        .kind = value_kind::text("PATH"),
        .preset_note = "PORT.sock, without a port pid-N.sock, in "
                       "$XDG_RUNTIME_DIR/troupe or in /tmp/troupe-UID",
        .help
        = "Unix socket for troupe-console; only this user and root may use it",
        .details = "Up to 96 bytes"},
       into([](server_settings & x) -> auto& { return x.console.socket; })},
      {{.name = "console-port",
        .kind = value_kind::number(-1, 65'535),
        .preset = "-1",
        .help = "TCP port for troupe-console; needs console-password. 0: any "
                "free port; -1: no port",
        .details = "On this machine only. See [the gate](console.md#the-gate)"},
       set_port},
      {{.name = "console-password",
        .kind = value_kind::text("TEXT"),
        .help = "password of console-port; set it in the configuration file or "
                "in TROUPE_CONSOLE_PASSWORD",
        .secret = true},
       into([](server_settings & x) -> auto& { return x.console.password; })},
      {{.name = "no-console",
        .kind = value_kind::flag(),
        .preset = "no",
        .help = "does not listen for troupe-console"},
       set_no_console},
    });
}

} // namespace troupe::server
