#pragma once

// The settings that CONFIG GET shows and CONFIG SET changes. A new one is a row of the
// table, with a function that says its value and perhaps one that takes it over.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>

#include "apps/net/tls_options.hpp"
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

struct setting {
  std::string_view name;
  std::string (*value)(const server_state& server);

  /// When it can be changed: says what is wrong with `text`, or nothing; and
  /// takes it over if it is time for that.
  std::string (*set)(setting_change& all, bytes_view text) = nullptr;
};

/// All of them, by name.
std::span<const setting> all_settings() noexcept;

/// That of this name in any case, or nullptr.
const setting* find_setting(bytes_view name) noexcept;

} // namespace troupe::server
