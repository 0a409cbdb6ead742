#pragma once

// The setting "namespaces": prefixes of database 0 with limits of their own, as
//
//   session:=64mb,noeviction img:=1gb
//
// on the command line, in the configuration file and by CONFIG GET and SET.

#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/namespaces.hpp>

namespace troupe::settings {

/// Reads the setting: blanks between namespaces, each a prefix without blanks, "=",
/// a size as in maxmemory and perhaps "," and a policy. The last "=" counts, so a
/// prefix may contain some. Errors: `invalid_argument`, also for a prefix that is
/// there twice.
[[nodiscard]] expected<std::vector<namespace_options>>
parse_namespaces(bytes_view text);

/// What to tell a user who wrote a policy in the setting that another one stands for, a
/// line for each (`substitute_note`). Empty for what `parse_namespaces` refuses.
[[nodiscard]] std::vector<std::string> namespace_notes(bytes_view text);

/// The setting with sizes in bytes, as `parse_namespaces` reads it.
[[nodiscard]] std::string
text_of(const std::vector<namespace_options>& namespaces);

} // namespace troupe::settings
