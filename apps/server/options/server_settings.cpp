#include "apps/server/options/server_settings.hpp"

#include <cstdlib>
#include <utility>

#include "apps/net/bind_addresses.hpp"

namespace troupe::server {

namespace {

/// Takes a password that no option sets from an environment variable, because every
/// user of the machine can read the command line of a process.
void inherit(std::string& password, const char* variable) {
  const auto* const given = std::getenv(variable);
  if (password.empty() && given != nullptr)
    password = given;
}

expected<void> check_console(const console_settings& x) {
  if (!x.port || !x.password.empty())
    return {};
  return fail(
    errc::invalid_argument,
    "--console-port=" + std::to_string(*x.port)
      + " without a password would let every user of the machine end the "
        "server; put one into TROUPE_CONSOLE_PASSWORD or into "
        "console-password in the configuration file, or leave --console-port "
        "out: troupe-console then uses a Unix socket");
}

expected<void> check_ports(const serve_options& x) {
  if (!x.plain && !x.tls.port && x.unix_socket.empty())
    return fail(errc::invalid_argument,
                "--no-plain leaves no port to listen on; set --tls-port=N "
                "or --unixsocket=PATH");
  if (!x.plain && !x.tls.port)
    return {};
  return net::check_bind(x.bind, !x.password.empty() || x.wants_certificates());
}

expected<void> check_namespaces(const server_settings& x) {
  return check(x.serve.namespaces, x.region.max_key_size)
    .map_error([](const error& why) {
      return error{why.code(), "--namespaces: " + why.text()};
    });
}

} // namespace

expected<server_settings> finished(server_settings x) {
  inherit(x.serve.password, "TROUPE_PASSWORD");
  inherit(x.serve.tls.key_file_pass, "TROUPE_TLS_KEY_FILE_PASS");
  if (!x.console.is_open)
    x.console.port.reset();
  if (x.console.port)
    inherit(x.console.password, "TROUPE_CONSOLE_PASSWORD");
  x.region.eviction = x.serve.eviction;
  return check(x.serve.tls)
    .and_then([&] { return check_ports(x.serve); })
    .and_then([&] { return check(x.region); })
    .and_then([&] { return check_namespaces(x); })
    .and_then([&] { return check_console(x.console); })
    .map([&] { return std::move(x); });
}

} // namespace troupe::server
