#pragma once

// Which ini file a command line names, and what the file says.

#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The ini file, and whether its user has chosen it.
struct ini_choice {
  std::string path;
  bool is_named = false;
};

/// The file that the command line names, or else `ini`, or else, where that is
/// nullptr, `default_file`. Errors: `invalid_argument`.
[[nodiscard]] expected<ini_choice>
chosen_file(const std::vector<std::string>& args, const char* ini,
            const char* default_file);

/// The content of the file; empty when there is none and none was named. Errors:
/// `invalid_argument` (it cannot be read, or is the default one and another user could
/// have written it).
[[nodiscard]] expected<std::string> read_ini(const ini_choice& from);

/// Whether the user wants to read about the options, whatever the file says.
[[nodiscard]] bool asks_for_help(const std::vector<std::string>& args);

} // namespace troupe::detail
