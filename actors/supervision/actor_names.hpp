#pragma once

#include <cstddef>
#include <string_view>

namespace troupe::detail {

/// The name of the root of the tree.
inline constexpr const char* supervisor_name = "supervisor";

/// The name of the service that the supervisor's own messages about loads go to.
inline constexpr const char* coordinator_name = "load-coordinator";

/// Longest name of a region or a service, in bytes: it is part of names, tables and
/// logs.
inline constexpr std::size_t longest_actor_name = 100;

inline constexpr std::string_view actor_name_rule
  = "1 to 100 letters, digits or any of ._:-, and not \"supervisor\"";

/// Whether a region or a service may have this name, which may still be taken.
constexpr bool is_actor_name(std::string_view x) noexcept {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._:-";
  return !x.empty() && x.size() <= longest_actor_name
         && x.find_first_not_of(allowed) == std::string_view::npos
         && x != supervisor_name;
}

} // namespace troupe::detail
