#pragma once

// How the command lines of all programs read:
//
//   --port=7000   --port 7000   -p 7000   -p7000   a value
//   --json        -y                               a flag
//   --                                             what follows are words

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::settings {

/// What a command line may name.
struct option_name {
  std::string name;             ///< Without the dashes.
  std::string alias = {};       ///< Another one; empty: none.
  char letter = 0;              ///< Behind one dash; 0: none.
  std::string placeholder = {}; ///< For its value; empty: it is a flag.
};

/// What a command line says.
struct command_line {
  struct argument {
    std::size_t option;               ///< Which of the names.
    std::optional<std::string> value; ///< Nothing for a flag alone.
    std::string name;                 ///< As it was named: "--port", "-p".
  };

  std::vector<argument> arguments; ///< In order.
  std::vector<std::string> words;  ///< What names no option, in order.
};

/// Takes a command line apart, without the name of the program. A value is not looked at.
/// The argument behind an option that needs a value is its value, unless it starts with
/// two dashes. Errors: `invalid_argument` for an unknown option, with what was perhaps
/// meant, and for one that lacks its value.
[[nodiscard]] expected<command_line>
read_command_line(const std::vector<std::string>& arguments,
                  const std::vector<option_name>& known);

} // namespace troupe::settings
