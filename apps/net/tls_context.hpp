#pragma once

// Certificate, key and rules of the TLS that clients speak, over OpenSSL.

#include <memory>
#include <mutex>

#include <troupe/messages/types/error.hpp>

#include "apps/net/tls_options.hpp"

// OpenSSL's, whose headers stay out of ours.
struct ssl_st;
struct ssl_ctx_st;

namespace troupe::net {

struct tls_deleter {
  void operator()(ssl_st* x) const noexcept;
  void operator()(ssl_ctx_st* x) const noexcept;
};

/// The server's end of one connection.
using tls_session = std::unique_ptr<ssl_st, tls_deleter>;

/// What all sessions share. Does not change; thread-safe.
class tls_context {
public:
  /// Reads the files. Errors: those of `check`, and `invalid_argument`, naming
  /// the option and the file, when one is missing or unreadable, is no PEM of
  /// its kind, needs another password, or when certificate and key differ.
  [[nodiscard]] static expected<std::shared_ptr<const tls_context>>
  load(const tls_options& options);

  /// A session over a connected socket, which it does not own. Empty when there
  /// is no memory. It may outlive the context.
  [[nodiscard]] tls_session make_session(int descriptor) const noexcept;

private:
  std::unique_ptr<ssl_ctx_st, tls_deleter> context_;
};

/// The TLS of a running server, whose files can be read anew. Thread-safe.
class live_tls {
public:
  /// For what is accepted from now on.
  void install(tls_options options, std::shared_ptr<const tls_context> context);

  /// Reads the same files anew. Errors: those of `tls_context::load`; the old
  /// ones stay in force then.
  expected<void> reload();

  [[nodiscard]] tls_options options() const;

  /// Empty: there is no TLS.
  [[nodiscard]] std::shared_ptr<const tls_context> context() const;

private:
  mutable std::mutex mutex_;
  tls_options options_;
  std::shared_ptr<const tls_context> context_;
};

} // namespace troupe::net
