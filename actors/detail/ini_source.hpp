#pragma once

// Which ini file a command line names, and what the file says.

#include <cstddef>
#include <string>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/settings/command_line.hpp>

namespace troupe::detail {

/// The ini file, and whether its user has chosen it.
struct ini_choice {
  std::string path;
  bool is_named = false;
};

/// The file that the command line names by the option with this number, or else `ini`,
/// or else, where that is nullptr, `default_file`. Errors: `invalid_argument`.
[[nodiscard]] expected<ini_choice>
chosen_file(const settings::command_line& line, std::size_t option,
            const char* ini, const char* default_file);

/// The content of the file; empty when there is none and none was named. Errors:
/// `invalid_argument` (it cannot be read, or is the default one and another user could
/// have written it).
[[nodiscard]] expected<std::string> read_ini(const ini_choice& from);

} // namespace troupe::detail
