#include "apps/net/tls_options.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include <openssl/tls1.h>

namespace troupe::net {

namespace {

constexpr std::array certificate_names{
  std::pair{client_certificates::none, std::string_view{"no"}},
  std::pair{client_certificates::optional, std::string_view{"optional"}},
  std::pair{client_certificates::required, std::string_view{"yes"}},
};

} // namespace

std::string_view to_string(client_certificates x) noexcept {
  return std::find_if(certificate_names.begin(), certificate_names.end(),
                      [x](const auto& y) { return y.first == x; })
    ->second;
}

expected<client_certificates> parse_client_certificates(std::string_view text) {
  const auto found
    = std::find_if(certificate_names.begin(), certificate_names.end(),
                   [text](const auto& x) { return x.second == text; });
  if (found != certificate_names.end())
    return found->first;
  return fail(errc::invalid_argument,
              "--tls-auth-clients=" + std::string{text}
                + " is not one of no, optional and yes");
}

expected<tls_versions> parse_tls_versions(std::string_view text) {
  tls_versions result;
  std::istringstream words{std::string{text}};
  for (std::string word; words >> word;) {
    int version = 0;
    if (word == "TLSv1.2")
      version = TLS1_2_VERSION;
    else if (word == "TLSv1.3")
      version = TLS1_3_VERSION;
    else
      return fail(errc::invalid_argument,
                  "--tls-protocols=" + std::string{text}
                    + ": there is TLSv1.2 and TLSv1.3, not " + word);
    result.least
      = result.least == 0 ? version : std::min(result.least, version);
    result.most = std::max(result.most, version);
  }
  return result.most == 0 ? tls_versions{TLS1_2_VERSION, TLS1_3_VERSION}
                          : result;
}

expected<void> check(const tls_options& x) {
  if (!x.port)
    return {};
  if (x.cert_file.empty() || x.key_file.empty())
    return fail(errc::invalid_argument,
                "--tls-port needs a certificate and its key: set "
                "--tls-cert-file=FILE and --tls-key-file=FILE (both PEM)");
  if (x.auth_clients != client_certificates::none && x.ca_cert_file.empty())
    return fail(errc::invalid_argument,
                "--tls-auth-clients=" + std::string{to_string(x.auth_clients)}
                  + " needs --tls-ca-cert-file=FILE with the authority that "
                    "signs the clients' certificates; to ask clients for no "
                    "certificate, set --tls-auth-clients=no");
  if (auto versions = parse_tls_versions(x.protocols); !versions)
    return tl::unexpected{std::move(versions.error())};
  return {};
}

} // namespace troupe::net
