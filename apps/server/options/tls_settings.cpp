// Options of TLS, with the names that Redis uses.

#include <string>

#include "apps/net/tls_context.hpp"
#include "apps/server/options/option_families.hpp"

namespace troupe::server {

namespace {

using settings::value;
using settings::value_kind;
using text_member = std::string net::tls_options::*;

expected<void> set_port(server_settings& to, const value& x) {
  const auto port = std::get<std::int64_t>(x);
  to.serve.tls.port.reset();
  if (port >= 0)
    to.serve.tls.port = static_cast<std::uint16_t>(port);
  return {};
}

expected<void> set_auth_clients(server_settings& to, const value& x) {
  return net::parse_client_certificates(std::get<std::string>(x))
    .map([&](net::client_certificates wanted) {
      to.serve.tls.auth_clients = wanted;
    });
}

std::string bad_protocols(const value& x) {
  const auto read = net::parse_tls_versions(std::get<std::string>(x));
  return read ? std::string{} : read.error().text();
}

template <text_member Member>
std::string present(const server_state& x) {
  return (x.tls.context() != nullptr ? x.tls.options() : x.options.tls).*Member;
}

/// Notes a file that CONFIG SET names. The files are checked and applied together
/// later, because a certificate and its key must match.
template <text_member File>
std::string set_file(setting_change& all, const value& x) {
  if (all.apply)
    return {};
  if (all.server.tls.context() == nullptr)
    return "TLS is off; start the server with --tls-port=N";
  if (!all.tls)
    all.tls = all.server.tls.options();
  (*all.tls).*File = std::get<std::string>(x);
  return {};
}

template <text_member Member>
auto into_text() {
  return into([](server_settings & x) -> auto& { return x.serve.tls.*Member; });
}

template <text_member Member>
server_option file_row(const char* name, const char* help) {
  return {{.name = name, .kind = value_kind::text("FILE"), .help = help},
          into_text<Member>(),
          present<Member>,
          set_file<Member>};
}

template <text_member Member>
server_option text_row(settings::option shown) {
  return {std::move(shown), into_text<Member>(), present<Member>};
}

} // namespace

std::vector<server_option> tls_settings() {
  using x = net::tls_options;
  return under(
    "TLS",
    {
      {{.name = "tls-port",
        .kind = value_kind::number(-1, 65'535),
        .preset = "-1",
        .help = "TCP port for clients that use TLS; 0: any free port; -1: no "
                "port"},
       set_port,
       [](const server_state& server) {
         return std::to_string(server.options.tls.port.value_or(0));
       }},
      file_row<&x::cert_file>("tls-cert-file",
                              "file with the server's certificate and the "
                              "intermediate certificates (PEM)"),
      file_row<&x::key_file>(
        "tls-key-file", "file with the private key of the certificate (PEM)"),
      {{.name = "tls-key-file-pass",
        .kind = value_kind::text("TEXT"),
        .help = "password of tls-key-file; set it in the configuration file or "
                "in TROUPE_TLS_KEY_FILE_PASS",
        .secret = true},
       into_text<&x::key_file_pass>()},
      file_row<&x::ca_cert_file>(
        "tls-ca-cert-file",
        "file with the authorities that sign the clients' certificates (PEM)"),
      {{.name = "tls-auth-clients",
        .kind = value_kind::word({"yes", "no", "optional"}),
        .preset = "yes",
        .help = "whether clients must show a certificate",
        .details = "With `optional`, a client may show none, but a shown "
                   "certificate must be valid"},
       set_auth_clients,
       [](const server_state& server) {
         return std::string{to_string(server.options.tls.auth_clients)};
       }},
      text_row<&x::protocols>(
        {.name = "tls-protocols",
         .kind = value_kind::text("LIST").checked(
           "TLSv1.2, TLSv1.3, or both, separated by a blank", bad_protocols),
         .preset = x{}.protocols,
         .help = "allowed TLS versions"}),
      text_row<&x::ciphers>(
        {.name = "tls-ciphers",
         .kind = value_kind::text("LIST"),
         .preset_note = "OpenSSL's",
         .help = "allowed ciphers of TLS 1.2, in OpenSSL's format"}),
      text_row<&x::ciphersuites>({.name = "tls-ciphersuites",
                                  .kind = value_kind::text("LIST"),
                                  .preset_note = "OpenSSL's",
                                  .help = "allowed ciphers of TLS 1.3, in "
                                          "OpenSSL's format"}),
      {{.name = "tls-handshake-timeout",
        .kind
        = value_kind::time(std::chrono::milliseconds{1}, std::chrono::hours{1}),
        .preset = value_kind::time({}).write(
          value{std::chrono::milliseconds{net::defaults::handshake_timeout}}),
        .help = "how long a client may take for the handshake",
        .details = "During the handshake, the client counts as a connection"},
       into([](server_settings & to) -> auto& {
         return to.serve.tls.handshake_timeout;
       })},
    });
}

} // namespace troupe::server
