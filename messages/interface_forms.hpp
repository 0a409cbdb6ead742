#pragma once

#include <string_view>
#include <vector>

#include <troupe/messages/forms.hpp>

namespace troupe {

/// The messages that actors of a kind (`actor_info::kind`) accept, in the order of
/// interfaces.hpp. They are made from it at compile time. Empty for a kind without an
/// interface.
[[nodiscard]] const std::vector<message_form>& forms_of(std::string_view kind);

} // namespace troupe
