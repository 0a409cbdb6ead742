#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/server/state/defaults.hpp"
#include "apps/server/state/serve_options.hpp"

namespace troupe::server {

/// Where troupe-console may come in.
struct console_settings {
  bool is_open = true;
  std::string socket;                ///< Empty: in the run-time folder.
  std::optional<std::uint16_t> port; ///< Empty: not by TCP.
  std::string password;              ///< Of the port.
};

/// What the options mean. The rows of the table (server_option.hpp) fill it.
struct server_settings {
  serve_options serve;
  region_options region; ///< Of a database, but for namespaces.
  console_settings console;
  std::size_t max_memory = 0; ///< Of all databases, in bytes; 0: no limit.
  std::chrono::milliseconds drain_timeout = defaults::drain_timeout;
  std::vector<std::string> notes = {}; ///< What the user should know of them.
};

/// Checks what no single option shows: whether they make sense together. A password that
/// no option gives is that of the environment variables TROUPE_PASSWORD,
/// TROUPE_CONSOLE_PASSWORD and TROUPE_TLS_KEY_FILE_PASS. Errors: `invalid_argument`,
/// naming the option and what to do.
[[nodiscard]] expected<server_settings> finished(server_settings x);

} // namespace troupe::server
