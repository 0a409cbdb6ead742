#pragma once

// The declaration of an option of a program, and functions on lists of options.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/settings/command_line.hpp>
#include <troupe/messages/types/settings/value_kind.hpp>

namespace troupe::settings {

/// One option: its names, its kind of values, its texts, and the function that takes a
/// value. In the ini file its line is below its section. On the command line it is
/// `--name`, or `--section.name` when it is not `flat`.
struct option {
  std::string section = {};
  std::string name = {};
  std::string alias = {}; ///< A second name, the name in Redis. Empty: none.
  char letter = 0;        ///< `-p`; 0: none.
  bool flat = false;
  std::string heading = {}; ///< Options of one heading are shown together.
  value_kind kind = value_kind::text("TEXT");
  std::string preset = {};      ///< The default, as a text; empty: none.
  std::string preset_note = {}; ///< Shown instead of `preset`.
  std::string help = {};        ///< Its meaning, in a few words.
  std::string details = {};     ///< Further text, shown only in the docs.
  bool secret = false;          ///< Whether its value is shown as ***.
  bool hidden = false;          ///< Only --long-help shows it.

  /// Stores a value that `kind` has read. Empty: values are checked and dropped.
  /// Errors: `invalid_argument`, with a text that says what is wrong.
  std::function<expected<void>(const value&)> take = {};

  /// The name on the command line, without the dashes.
  [[nodiscard]] std::string long_name() const;

  /// The option with a value, for error texts: `--port=70000`, or `--password=***` when
  /// it is secret.
  [[nodiscard]] std::string spelled(std::string_view text) const;
};

/// Reads `text` and passes the value to `to.take`. `where` is the place of the text in
/// a file, for errors; empty for the command line. Errors: `invalid_argument`, with the
/// option, the value, the place, and what is allowed.
[[nodiscard]] expected<void> set(const option& to, std::string_view text,
                                 const std::string& where);

/// The names of the options, for `read_command_line`: element i belongs to option i.
[[nodiscard]] std::vector<option_name>
names_of(const std::vector<option>& options);

/// The option with this name or alias in a section, or nullptr. Points into `options`.
/// Linear in their number.
[[nodiscard]] const option* find(const std::vector<option>& options,
                                 std::string_view section,
                                 std::string_view name) noexcept;

} // namespace troupe::settings
