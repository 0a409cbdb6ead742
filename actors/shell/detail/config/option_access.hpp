#pragma once

// Declares and reads options of a group by the type of their variable. A duration is in
// whole milliseconds.

#include <chrono>
#include <string>
#include <type_traits>
#include <vector>

#include <caf/config_option_adder.hpp>
#include <caf/config_option_set.hpp>
#include <caf/settings.hpp>
#include <caf/timespan.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// How CAF stores the value of an option.
template <class T>
using stored_option
  = std::conditional_t<std::is_same_v<T, std::chrono::milliseconds>,
                       caf::timespan, T>;

template <class T>
void declare_option(caf::config_option_set& to, const std::string& group,
                    const std::string& name, const std::string& help) {
  caf::config_option_adder{to, group}.add<stored_option<T>>(name, help);
}

/// Reads one option; leaves `to` unchanged when the option is not set. Errors:
/// `invalid_argument` (it is of another type).
template <class T>
expected<void> read_option(const caf::settings& from, const std::string& group,
                           const std::string& name, T& to) {
  const auto section = caf::get_if<caf::settings>(&from, group);
  if (!section)
    return {};
  const auto i = section->find(name);
  if (i == section->end())
    return {};
  const auto wrong = [&](const char* why) {
    return fail(errc::invalid_argument,
                group + "." + name + " is " + to_string(i->second) + why);
  };
  const auto x = caf::get_if<stored_option<T>>(&i->second);
  if (!x)
    return wrong(", which is of the wrong type or too large");
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    to = std::chrono::floor<std::chrono::milliseconds>(*x);
    if (to != *x)
      return wrong(", allowed are whole milliseconds");
  } else {
    to = *x;
  }
  return {};
}

/// CAF silently accepts options that were never declared. Errors: `invalid_argument`
/// (the group has an option that is not among the known ones).
[[nodiscard]] expected<void>
check_option_names(const caf::settings& all, const std::string& group,
                   const std::vector<std::string>& known);

} // namespace troupe::detail
