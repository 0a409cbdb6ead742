#pragma once

#include <array>
#include <vector>

#include "apps/server/options/server_option.hpp"

namespace troupe::server {

// The families of options, one source each. To add an option, add a row to its family.

[[nodiscard]] std::vector<server_option> network_options();
[[nodiscard]] std::vector<server_option> tls_settings();
[[nodiscard]] std::vector<server_option> client_options();
[[nodiscard]] std::vector<server_option> memory_options();
[[nodiscard]] std::vector<server_option> entry_options();
[[nodiscard]] std::vector<server_option> pubsub_options();
[[nodiscard]] std::vector<server_option> console_options();

/// Settings that only CONFIG GET shows.
[[nodiscard]] std::vector<server_option> redis_settings();

/// All families, in the order of the help.
inline constexpr std::array option_families{
  network_options, client_options,  memory_options, entry_options,
  pubsub_options,  console_options, tls_settings,   redis_settings};

/// Returns the rows, with this heading in each of them.
[[nodiscard]] inline std::vector<server_option>
under(const char* heading, std::vector<server_option> rows) {
  for (auto& x : rows)
    x.shown.heading = heading;
  return rows;
}

} // namespace troupe::server
