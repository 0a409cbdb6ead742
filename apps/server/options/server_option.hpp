#pragma once

// An option of troupe-server: one row says all of it. From the row it gets to the command
// line, the ini file, CONFIG GET, SET and REWRITE, --help and docs/configuration.md.

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

/// One CONFIG SET: all is checked first, then all is taken over.
struct setting_change {
  server_state& server;
  bool apply = false;
  std::optional<net::tls_options> tls
    = {};                   ///< The wanted ones, if any is named.
  bytes_view tls_name = {}; ///< The first of these names.
};

struct server_option {
  /// Names, kind, default and meaning. The table gives it its section and its function.
  settings::option shown;

  /// Takes over what the command line or the file says. Empty: only CONFIG knows the
  /// option. Errors: `invalid_argument`, with what is wrong.
  std::function<expected<void>(server_settings& to, const settings::value& x)>
    start = {};

  /// What CONFIG GET shows. Empty: the value at the start, unless that is secret.
  std::function<std::string(const server_state& server)> get = {};

  /// CONFIG SET, with a value that the kind has read: says what is wrong with it, or
  /// nothing; and takes it over if it is time for that. Empty: it cannot be changed. A row
  /// with this has a `get`, of which CONFIG REWRITE writes the value.
  std::function<std::string(setting_change& all, const settings::value& x)> set
    = {};

  /// Its name in CONFIG: Redis's, where it has another.
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
