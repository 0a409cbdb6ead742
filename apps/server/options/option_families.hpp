#pragma once

#include <array>
#include <vector>

#include "apps/server/options/server_option.hpp"

namespace troupe::server {

// The options, those that belong together in one source. A new option is a row there.

[[nodiscard]] std::vector<server_option> network_options();
[[nodiscard]] std::vector<server_option> tls_settings();
[[nodiscard]] std::vector<server_option> client_options();
[[nodiscard]] std::vector<server_option> memory_options();
[[nodiscard]] std::vector<server_option> entry_options();
[[nodiscard]] std::vector<server_option> pubsub_options();
[[nodiscard]] std::vector<server_option> console_options();

/// Those that only CONFIG knows.
[[nodiscard]] std::vector<server_option> redis_settings();

/// In the order of the help.
inline constexpr std::array option_families{
  network_options, client_options,  memory_options, entry_options,
  pubsub_options,  console_options, tls_settings,   redis_settings};

/// Gives all of them the same heading.
[[nodiscard]] inline std::vector<server_option>
under(const char* heading, std::vector<server_option> rows) {
  for (auto& x : rows)
    x.shown.heading = heading;
  return rows;
}

} // namespace troupe::server
