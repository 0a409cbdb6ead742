#pragma once

// Shows messages and their answers: as text for users, and as JSON.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/forms.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// The messages of an interface with their fields and answers. See
/// `table::render` for the width.
[[nodiscard]] std::string text_of(const std::vector<message_form>& x,
                                  std::size_t width);

/// An answer: a plain value on a line, a struct as one line per member, a list
/// of structs as a table, an empty answer as "ok".
[[nodiscard]] std::string text_of(const field_value& x, std::size_t width);

[[nodiscard]] std::vector<json_object>
json_of(const std::vector<message_form>& x);

/// Adds an answer as a member. Times are in milliseconds, an infinite time is null; texts
/// that are not UTF-8 become {"base64": ...}.
void add_value(json_object& to, std::string_view name, const field_value& x);

} // namespace troupe::console
