#pragma once

// Options between a program's settings and CAF's.

#include <optional>
#include <string>
#include <vector>

#include <caf/config_option_set.hpp>
#include <caf/config_value.hpp>
#include <caf/settings.hpp>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/settings/option.hpp>

namespace troupe::detail {

/// The options that CAF's set declares, as ours, in its order. A value that one takes is
/// stored in the variable of the option, if it has one, and in `content`. Those of CAF
/// itself are hidden, and values that CAF cannot bear are refused. Both arguments must
/// live as long as the result, and the set must not change.
[[nodiscard]] std::vector<settings::option>
adopted_options(const caf::config_option_set& declared, caf::settings& content);

/// Declares an option to CAF, with the type of its preset, so that a program can give it
/// a value by `actor_system_config::set`.
void declare(caf::config_option_set& to, const settings::option& x);

/// Stores a value in a section of `to`.
void store(caf::settings& to, const std::string& section,
           const std::string& name, const settings::value& x);

/// The value of an option in `from`; nothing when it is not set. Errors:
/// `invalid_argument`, with what is allowed.
[[nodiscard]] expected<std::optional<settings::value>>
stored(const caf::settings& from, const settings::option& x);

/// CAF silently accepts options that were never declared. Errors: `invalid_argument`
/// (the group has an option that is not among the known ones).
[[nodiscard]] expected<void>
check_option_names(const caf::settings& all, const std::string& group,
                   const std::vector<std::string>& known);

} // namespace troupe::detail
