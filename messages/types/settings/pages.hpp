#pragma once

// What a program prints of its options.

#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/settings/option.hpp>

namespace troupe::settings {

/// Columns of a help text at most.
inline constexpr std::size_t help_columns = 100;

/// The options below their headings, in the order of the first of each: names, what
/// stands for the value, meaning, default with its unit. `all`: also the hidden ones.
[[nodiscard]] std::string help_text(const std::vector<option>& options,
                                    bool all);

/// A table of Markdown with the options that have this heading and are not hidden.
[[nodiscard]] std::string markdown_table(const std::vector<option>& options,
                                         std::string_view heading);

} // namespace troupe::settings
