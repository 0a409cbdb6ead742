#pragma once

// An option of a program, and all of them together.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/settings/command_line.hpp>
#include <troupe/messages/types/settings/value_kind.hpp>

namespace troupe::settings {

/// One option: how it is called, what it allows, what it means to a user, and where a
/// value goes. The ini file names it below its section. The command line does so as
/// `--name` or, when it is not `flat`, as `--section.name`.
struct option {
  std::string section = {};
  std::string name = {};
  std::string alias = {}; ///< Another name: Redis's. Empty: none.
  char letter = 0;        ///< `-p`; 0: none.
  bool flat = false;
  std::string heading = {}; ///< Options of one heading are shown together.
  value_kind kind = value_kind::text("TEXT");
  std::string preset = {};      ///< The default, as a text; empty: none.
  std::string preset_note = {}; ///< Shown instead of `preset`.
  std::string help = {};        ///< What it means, in some words.
  std::string details = {};     ///< What else the page of the docs says.
  bool secret = false;          ///< Its value is not shown.
  bool hidden = false;          ///< Only --long-help shows it.

  /// Takes over a value that `kind` has read. Errors: `invalid_argument`, with what is
  /// wrong.
  std::function<expected<void>(const value&)> take = {};

  /// As it follows `--`.
  [[nodiscard]] std::string long_name() const;

  /// `--port=70000`, or `--password=***`.
  [[nodiscard]] std::string spelled(std::string_view text) const;
};

/// Gives `to` a value that `where` names. Errors: `invalid_argument`, with the option, the
/// value, the place and what is allowed.
[[nodiscard]] expected<void> set(const option& to, std::string_view text,
                                 const std::string& where);

/// As `read_command_line` takes them: number i is the i-th option.
[[nodiscard]] std::vector<option_name>
names_of(const std::vector<option>& options);

/// The option of this name or alias, in a section; nullptr: there is none.
[[nodiscard]] const option* find(const std::vector<option>& options,
                                 std::string_view section,
                                 std::string_view name) noexcept;

} // namespace troupe::settings
