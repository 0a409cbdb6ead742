#pragma once

// The text of an ini file:
//
//   # a comment
//   [server]
//   port = 7000              ; a comment
//   namespaces = a:=1mb b:=2mb
//   password = "with \"quotes\" and # signs"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::settings {

/// One line. A comment begins with # or ; at the start of the line or behind a blank. A
/// value ends at a comment or, when it begins with a quote, with the next quote of the
/// same kind; between double quotes, \n, \r, \t, \\ and \" are characters.
struct ini_line {
  enum class form { empty, section, entry };

  form what = form::empty;
  std::string name;         ///< Of the section, or of the option.
  std::string value;        ///< Without quotes.
  std::string_view comment; ///< With its sign, in the text of the line.
};

/// Errors: `invalid_argument`, with what is wrong.
[[nodiscard]] expected<ini_line> read_ini_line(std::string_view text);

/// `x` as a value in such a line, between double quotes only where it needs them.
[[nodiscard]] std::string ini_value(std::string_view x);

/// What a file says, in order.
struct ini_text {
  struct section {
    std::string name;
    std::size_t line; ///< From 1 on.
  };

  struct entry {
    std::string section; ///< Empty: it precedes all sections.
    std::string name;
    std::string value;
    std::size_t line;
  };

  std::vector<section> sections;
  std::vector<entry> entries;
};

/// "line 3 of server.ini".
[[nodiscard]] std::string place_text(std::size_t line, const std::string& file);

/// Reads all lines; `file` is the name of the file. Errors: `invalid_argument`, with the
/// line.
[[nodiscard]] expected<ini_text> read_ini_text(std::string_view text,
                                               const std::string& file);

} // namespace troupe::settings
