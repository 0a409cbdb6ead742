#pragma once

#include <string>
#include <vector>

#include <troupe/actors/runtime_options.hpp>
#include <troupe/messages/types/settings/option.hpp>

namespace troupe::detail {

/// An option of a runtime, and the member that it sets.
struct runtime_option {
  settings::option shown; ///< Without the function that takes a value.
  void (*take)(runtime_options& to, const settings::value& x);
};

/// All of them. A new one is a row of this list.
[[nodiscard]] const std::vector<runtime_option>& all_runtime_options();

} // namespace troupe::detail
