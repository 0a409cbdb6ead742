#include "apps/net/tls_options.hpp"

#include <string>

#include <openssl/tls1.h>

#include "apps/net/tls_context.hpp"
#include "catch.hpp"

using troupe::errc;
using troupe::net::check;
using troupe::net::client_certificates;
using troupe::net::live_tls;
using troupe::net::parse_client_certificates;
using troupe::net::parse_tls_versions;
using troupe::net::tls_context;
using troupe::net::tls_options;
using troupe::net::tls_versions;

namespace {

tls_options complete() {
  tls_options result;
  result.port = 0;
  result.cert_file = "/nowhere/server.crt";
  result.key_file = "/nowhere/server.key";
  result.ca_cert_file = "/nowhere/ca.crt";
  return result;
}

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("whether clients show certificates is told as Redis tells it",
          "[server][tls]") {
  for (const auto x : {client_certificates::none, client_certificates::optional,
                       client_certificates::required})
    CHECK(parse_client_certificates(to_string(x)) == x);
  CHECK(to_string(client_certificates::required) == "yes");
  for (const auto* text : {"", "Yes", "true", "maybe"}) {
    const auto result = parse_client_certificates(text);
    REQUIRE(!result);
    CHECK(result.error() == errc::invalid_argument);
  }
}

TEST_CASE("versions of TLS are a range without old ones", "[server][tls]") {
  const tls_versions both{TLS1_2_VERSION, TLS1_3_VERSION};
  CHECK(parse_tls_versions("") == both);
  CHECK(parse_tls_versions("TLSv1.2 TLSv1.3") == both);
  CHECK(parse_tls_versions(" TLSv1.3  TLSv1.2 ") == both);
  CHECK(parse_tls_versions("TLSv1.2")
        == tls_versions{TLS1_2_VERSION, TLS1_2_VERSION});
  CHECK(parse_tls_versions("TLSv1.3")
        == tls_versions{TLS1_3_VERSION, TLS1_3_VERSION});
  for (const auto* text :
       {"TLSv1.1", "TLSv1.2,TLSv1.3", "SSLv3 TLSv1.3", "x"}) {
    const auto result = parse_tls_versions(text);
    REQUIRE(!result);
    CHECK(mentions(result.error().text(), text));
  }
}

TEST_CASE("TLS needs a certificate, and authorities where clients show one",
          "[server][tls]") {
  CHECK(check(complete()));
  CHECK(check(tls_options{}));
  auto x = complete();
  x.cert_file.clear();
  CHECK(mentions(check(x).error().text(), "--tls-cert-file"));
  x = complete();
  x.key_file.clear();
  CHECK(mentions(check(x).error().text(), "--tls-key-file"));
  x = complete();
  x.ca_cert_file.clear();
  CHECK(mentions(check(x).error().text(), "--tls-ca-cert-file"));
  x.auth_clients = client_certificates::optional;
  CHECK(mentions(check(x).error().text(), "--tls-ca-cert-file"));
  x.auth_clients = client_certificates::none;
  CHECK(check(x));
  x.protocols = "TLSv1";
  CHECK(mentions(check(x).error().text(), "TLSv1.2"));
}

TEST_CASE("files that cannot be read are named and change nothing",
          "[server][tls]") {
  const auto loaded = tls_context::load(complete());
  REQUIRE(!loaded);
  CHECK(loaded.error() == errc::invalid_argument);
  CHECK(mentions(loaded.error().text(), "/nowhere/server.crt"));
  live_tls uut;
  CHECK(uut.context() == nullptr);
  uut.install(complete(), nullptr);
  REQUIRE(!uut.reload());
  CHECK(uut.options().cert_file == "/nowhere/server.crt");
  CHECK(uut.context() == nullptr);
}
