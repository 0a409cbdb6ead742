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
/// value ends at a comment. A value that begins with a quote ends with the next quote
/// of the same kind instead. Between double quotes, \n, \r, \t, \\ and \" stand for a
/// character.
struct ini_line {
  enum class form { empty, section, entry };

  form what = form::empty;
  std::string name;         ///< The name of the section or of the option.
  std::string value;        ///< Without quotes.
  std::string_view comment; ///< With its # or ;. A part of the text.
};

/// Reads one line, without its line end. `comment` of the result is valid as long as
/// `text`. Errors: `invalid_argument`, with a text that names the mistake.
[[nodiscard]] expected<ini_line> read_ini_line(std::string_view text);

/// Writes `x` as a value in a line of an ini file, between double quotes only if it
/// needs them. `read_ini_line` reads it back.
[[nodiscard]] std::string ini_value(std::string_view x);

/// The sections and options of a file, in order.
struct ini_text {
  struct section {
    std::string name;
    std::size_t line; ///< Counted from 1.
  };

  struct entry {
    std::string section; ///< Empty: the entry is before the first section.
    std::string name;
    std::string value;
    std::size_t line;
  };

  std::vector<section> sections;
  std::vector<entry> entries;
};

/// A place in a file, for error texts: "line 3 of server.ini".
[[nodiscard]] std::string place_text(std::size_t line, const std::string& file);

/// Reads all lines. `file` is the name of the file, for errors. Errors:
/// `invalid_argument`, with the place and the mistake.
[[nodiscard]] expected<ini_text> read_ini_text(std::string_view text,
                                               const std::string& file);

} // namespace troupe::settings
