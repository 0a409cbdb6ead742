#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// The command line of troupe-console.
struct options {
  /// Empty: the only server that this user runs.
  std::optional<console_address> where = std::nullopt;
  std::chrono::milliseconds timeout{2'000};
  std::vector<std::string> lines; ///< The commands of -c, in order.
  bool json = false;
  bool yes = false; ///< Asks for no confirmation.
  bool help = false;
};

/// Reads the arguments after the program's name. The password of a TCP port is in the
/// file that `--password-file` names; without that option it is `inherited`, the value
/// of the environment variable TROUPE_CONSOLE_PASSWORD.
/// Errors: `invalid_argument`, with what to write instead.
[[nodiscard]] expected<options>
parse_options(const std::vector<std::string>& arguments,
              const std::string& inherited = {});

/// What `--help` prints.
[[nodiscard]] std::string help_text();

} // namespace troupe::console
