#pragma once

// The command-line syntax of all programs:
//
//   --port=7000   --port 7000   -p 7000   -p7000   an option with a value
//   --json        -y                               a flag
//   --                                             all arguments behind it are words

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::settings {

/// The names of an option on the command line.
struct option_name {
  std::string name;             ///< Without the dashes.
  std::string alias = {};       ///< A second name; empty: none.
  char letter = 0;              ///< The name behind one dash; 0: none.
  std::string placeholder = {}; ///< For the value, in texts; empty: a flag.
};

/// A command line that was split into options and words.
struct command_line {
  struct argument {
    std::size_t option;               ///< Index of the option in `known`.
    std::optional<std::string> value; ///< Empty for a flag without a value.
    std::string name;                 ///< As written: "--port", "-p".
  };

  std::vector<argument> arguments; ///< The options, in order.
  std::vector<std::string> words;  ///< The other arguments, in order.
};

/// Splits a command line; `arguments` has no program name. When an option that needs a
/// value has none behind `=`, the next argument is its value, unless that starts with
/// two dashes. Values are not checked. Errors: `invalid_argument` for an unknown
/// option, with a similar name if there is one, and for an option without its value.
[[nodiscard]] expected<command_line>
read_command_line(const std::vector<std::string>& arguments,
                  const std::vector<option_name>& known);

} // namespace troupe::settings
