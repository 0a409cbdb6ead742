#pragma once

// An option of troupe-server. One row declares it for the command line, the ini file,
// CONFIG GET, SET and REWRITE, --help and docs/configuration.md.

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/settings/option.hpp>

#include "apps/net/tls_options.hpp"
#include "apps/server/options/server_settings.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// One CONFIG SET. The rows of all its options are called twice: first to check the
/// values, then, with `apply`, to change the server.
struct setting_change {
  server_state& server;
  bool apply = false;
  std::optional<net::tls_options> tls
    = {};                   ///< The new options of TLS, if one is named.
  bytes_view tls_name = {}; ///< The name of the first of them.
};

/// An option of the server.
struct server_option {
  /// Names, kind, default and texts. The table sets `section` and `flat`. The server
  /// sets `take`, which calls `start`.
  settings::option shown;

  /// Stores a value of the command line or the ini file. Empty: only CONFIG knows the
  /// option. Errors: `invalid_argument`, with a text that says what is wrong.
  std::function<expected<void>(server_settings& to, const settings::value& x)>
    start = {};

  /// Returns the value that CONFIG GET shows. Empty: CONFIG GET shows the value at the
  /// start, or nothing if the option is secret.
  std::function<std::string(const server_state& server)> get = {};

  /// Checks a value for CONFIG SET, which the kind has read, and applies it if
  /// `all.apply`. Returns an empty text, or what is wrong with the value. Empty: the
  /// option cannot be changed. A row with `set` also needs `get`, whose value CONFIG
  /// REWRITE writes.
  std::function<std::string(setting_change& all, const settings::value& x)> set
    = {};

  /// The name in CONFIG: the name in Redis if there is one.
  [[nodiscard]] const std::string& config_name() const noexcept {
    return shown.alias.empty() ? shown.name : shown.alias;
  }

  /// Whether CONFIG GET shows it.
  [[nodiscard]] bool has_value() const noexcept {
    return get || !shown.secret;
  }
};

/// A `start` that stores the value in the variable that `member(settings)` returns.
template <class F>
[[nodiscard]] auto into(F member) {
  return [member](server_settings& to, const settings::value& x) {
    settings::assign(x, member(to));
    return expected<void>{};
  };
}

} // namespace troupe::server
