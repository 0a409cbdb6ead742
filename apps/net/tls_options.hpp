#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>

#include "apps/net/defaults.hpp"

namespace troupe::net {

/// Whether clients have to show a certificate of an authority that the server
/// trusts; Redis's `tls-auth-clients`.
enum class client_certificates { none, optional, required };

/// "no", "optional" or "yes".
[[nodiscard]] std::string_view to_string(client_certificates x) noexcept;

/// Reads what `to_string` writes. Errors: `invalid_argument`.
[[nodiscard]] expected<client_certificates>
parse_client_certificates(std::string_view text);

/// The oldest and the newest version of TLS that is spoken, as OpenSSL numbers
/// them.
struct tls_versions {
  int least = 0;
  int most = 0;

  bool operator==(const tls_versions&) const = default;
};

/// Reads "TLSv1.2", "TLSv1.3" or both, separated by blanks; nothing means both.
/// Errors: `invalid_argument`, also for older versions.
[[nodiscard]] expected<tls_versions> parse_tls_versions(std::string_view text);

/// TLS for clients, as Redis's options of the same names.
struct tls_options {
  std::optional<std::uint16_t> port; ///< Empty: no TLS; 0: any free port.
  std::string cert_file;     ///< PEM: the server's chain, own one first.
  std::string key_file;      ///< PEM: its private key.
  std::string key_file_pass; ///< Of the key; empty: it has none.
  std::string ca_cert_file;  ///< PEM: who vouches for clients.
  client_certificates auth_clients = client_certificates::required;
  std::string protocols = "TLSv1.2 TLSv1.3";
  std::string ciphers;      ///< Of TLS 1.2; empty: OpenSSL's choice.
  std::string ciphersuites; ///< Of TLS 1.3; empty: OpenSSL's choice.
  std::chrono::milliseconds handshake_timeout = defaults::handshake_timeout;
};

/// Whether these make sense together; no file is looked at. Without a port,
/// anything does. Errors: `invalid_argument`, with what to set.
[[nodiscard]] expected<void> check(const tls_options& x);

} // namespace troupe::net
