#pragma once

#include <chrono>
#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::settings {

/// An option and its value, without quotes.
struct ini_setting {
  std::string name;
  std::string value;
  std::string alias = {}; ///< Another name that a file may use; empty: none.

  friend auto operator<=>(const ini_setting&, const ini_setting&) = default;
};

using ini_values = std::vector<ini_setting>;

/// Whether a value in a file says the same as the present one.
using same_value
  = std::function<bool(const ini_setting& present, std::string_view in_file)>;

/// The ini file `text` with other values in `section`: those of `values` that it
/// names are replaced where they stand, unless they say the same; those of `added` that
/// it does not name are put at the end of the section, which is made when there is none.
/// All other lines, comments among them, stay as they are.
[[nodiscard]] std::string
with_values(std::string_view text, std::string_view section,
            const ini_values& values, const ini_values& added,
            const same_value& same);

/// Replaces a file by another content at once: a reader, even after a crash, finds the
/// old or the new one. It keeps its mode. The new content is written beside it first,
/// with `.rewrite` behind the name; what a crash leaves there, the next call replaces.
/// Returns whether the new one is sure to be there after a failure of the machine: false
/// when the system does not confirm that for the folder. Errors: `system_error`, with the
/// system's reason alone, or what else it is than a regular file; the old one is there
/// then. One call at a time, of all programs: see `lock_file`.
expected<bool> replace_file(const std::string& path, std::string_view content);

/// Locks a regular file for programs that call this, until the result is closed, also
/// when it is replaced meanwhile. Waits for another one up to `patience`. Errors:
/// `system_error`, as above, or that it stays locked.
[[nodiscard]] expected<unique_descriptor>
lock_file(const std::string& path, std::chrono::milliseconds patience);

/// The content of a regular file; does not wait for a writer. Errors: as above.
[[nodiscard]] expected<std::string> read_file(const std::string& path);

} // namespace troupe::settings
