#pragma once

// The texts that a program prints about its options.

#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/settings/option.hpp>

namespace troupe::settings {

/// The most columns of a help text.
inline constexpr std::size_t help_columns = 100;

/// The text of --help: for each option its names, the placeholder of its value, its
/// meaning, and its default with the unit. Options are below their headings, and
/// headings are in the order of their first options. `all`: hidden options, too.
[[nodiscard]] std::string help_text(const std::vector<option>& options,
                                    bool all);

/// A Markdown table of the options that have this heading and are not hidden.
[[nodiscard]] std::string markdown_table(const std::vector<option>& options,
                                         std::string_view heading);

} // namespace troupe::settings
