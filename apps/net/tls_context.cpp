#include "apps/net/tls_context.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <troupe/backends/core/regular_file.hpp>

namespace troupe::net {

namespace {

using context_pointer = std::unique_ptr<SSL_CTX, tls_deleter>;

/// What OpenSSL says of its last failure, which is forgotten.
std::string last_reason() {
  const auto* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "unknown reason";
}

tl::unexpected<error> refuse(std::string text) {
  return tl::unexpected{error{errc::invalid_argument, std::move(text)}};
}

/// OpenSSL tells less clearly why a file cannot be opened, and would wait for ever for
/// one who writes to a FIFO.
expected<void> check_readable(const char* option, const std::string& file) {
  const auto opened = open_regular_file(file);
  if (opened)
    return {};
  return refuse("cannot read " + file + " (" + option
                + "): " + opened.error().text());
}

struct key_password {
  const std::string& text;
  bool asked = false;
};

int give_password(char* to, int room, int, void* from) {
  auto& password = *static_cast<key_password*>(from);
  password.asked = true;
  const auto size
    = std::min(password.text.size(), static_cast<std::size_t>(room));
  return static_cast<int>(password.text.copy(to, size));
}

expected<void> use_certificate(SSL_CTX* context, const tls_options& from) {
  if (auto ok = check_readable("tls-cert-file", from.cert_file); !ok)
    return ok;
  if (SSL_CTX_use_certificate_chain_file(context, from.cert_file.c_str()) == 1)
    return {};
  return refuse(from.cert_file
                + " (tls-cert-file) holds no certificate that "
                  "can be used, in PEM: "
                + last_reason());
}

expected<void> use_key(SSL_CTX* context, const tls_options& from) {
  if (auto ok = check_readable("tls-key-file", from.key_file); !ok)
    return ok;
  key_password password{from.key_file_pass};
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &password);
  const auto used = SSL_CTX_use_PrivateKey_file(context, from.key_file.c_str(),
                                                SSL_FILETYPE_PEM);
  const auto code = ERR_peek_last_error();
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (used == 1)
    return {};
  auto reason = last_reason();
  if (ERR_GET_LIB(code) == ERR_LIB_X509
      && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH)
    return refuse("the key in " + from.key_file
                  + " (tls-key-file) does not belong to the certificate in "
                  + from.cert_file + " (tls-cert-file)");
  if (password.asked)
    return refuse(
      "the key in " + from.key_file + " (tls-key-file) is encrypted, and "
      + (from.key_file_pass.empty() ? "no password is set"
                                    : "the password is wrong")
      + "; set it in TROUPE_TLS_KEY_FILE_PASS or with tls-key-file-pass=... "
        "below [server] in the configuration file");
  return refuse(from.key_file
                + " (tls-key-file) holds no private key that can "
                  "be used, in PEM: "
                + reason);
}

expected<void> use_authorities(SSL_CTX* context, const tls_options& from) {
  int mode = SSL_VERIFY_NONE;
  if (from.auth_clients != client_certificates::none)
    mode |= SSL_VERIFY_PEER;
  if (from.auth_clients == client_certificates::required)
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
  if (from.ca_cert_file.empty())
    return {};
  if (auto ok = check_readable("tls-ca-cert-file", from.ca_cert_file); !ok)
    return ok;
  // The list tells clients which of their certificates to show.
  auto* const names = SSL_load_client_CA_file(from.ca_cert_file.c_str());
  if (names == nullptr
      || SSL_CTX_load_verify_file(context, from.ca_cert_file.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return refuse(from.ca_cert_file
                  + " (tls-ca-cert-file) holds no "
                    "certificate that can be used, in PEM: "
                  + last_reason());
  }
  SSL_CTX_set_client_CA_list(context, names);
  return {};
}

expected<void> use_ciphers(SSL_CTX* context, const tls_options& from) {
  if (!from.ciphers.empty()
      && SSL_CTX_set_cipher_list(context, from.ciphers.c_str()) != 1)
    return refuse("--tls-ciphers=" + from.ciphers + ": " + last_reason());
  if (!from.ciphersuites.empty()
      && SSL_CTX_set_ciphersuites(context, from.ciphersuites.c_str()) != 1)
    return refuse("--tls-ciphersuites=" + from.ciphersuites + ": "
                  + last_reason());
  return {};
}

// What does not depend on options. Sessions are not resumed: connections of a
// cache live long, and what is not kept cannot be stolen.
void set_rules(SSL_CTX* context) {
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                        | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE
                        | SSL_OP_SINGLE_DH_USE | SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                              | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_dh_auto(context, 1);
}

} // namespace

void tls_deleter::operator()(ssl_st* x) const noexcept {
  SSL_free(x);
}

void tls_deleter::operator()(ssl_ctx_st* x) const noexcept {
  SSL_CTX_free(x);
}

expected<std::shared_ptr<const tls_context>>
tls_context::load(const tls_options& options) {
  if (auto ok = check(options); !ok)
    return tl::unexpected{std::move(ok.error())};
  ERR_clear_error();
  context_pointer context{SSL_CTX_new(TLS_server_method())};
  if (context == nullptr)
    return refuse("OpenSSL cannot be used: " + last_reason());
  auto* const raw = context.get();
  const auto versions = *parse_tls_versions(options.protocols);
  SSL_CTX_set_min_proto_version(raw, versions.least);
  SSL_CTX_set_max_proto_version(raw, versions.most);
  set_rules(raw);
  return use_ciphers(raw, options)
    .and_then([&] { return use_certificate(raw, options); })
    .and_then([&] { return use_key(raw, options); })
    .and_then([&] { return use_authorities(raw, options); })
    .map([&] {
      auto result = std::make_shared<tls_context>();
      result->context_ = std::move(context);
      return std::shared_ptr<const tls_context>{std::move(result)};
    });
}

tls_session tls_context::make_session(int descriptor) const noexcept {
  tls_session result{SSL_new(context_.get())};
  if (result != nullptr && SSL_set_fd(result.get(), descriptor) != 1)
    result.reset();
  if (result != nullptr)
    SSL_set_accept_state(result.get());
  ERR_clear_error();
  return result;
}

void live_tls::install(tls_options options,
                       std::shared_ptr<const tls_context> context) {
  std::lock_guard lock{mutex_};
  options_ = std::move(options);
  context_ = std::move(context);
}

expected<void> live_tls::reload() {
  auto now = options();
  auto loaded = tls_context::load(now);
  if (!loaded)
    return tl::unexpected{std::move(loaded.error())};
  install(std::move(now), std::move(*loaded));
  return {};
}

tls_options live_tls::options() const {
  std::lock_guard lock{mutex_};
  return options_;
}

std::shared_ptr<const tls_context> live_tls::context() const {
  std::lock_guard lock{mutex_};
  return context_;
}

} // namespace troupe::net
