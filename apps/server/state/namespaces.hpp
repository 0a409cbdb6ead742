#pragma once

// The setting "namespaces": prefixes of database 0 with limits of their own, as
//
//   session:=64mb,noeviction img:=1gb
//
// on the command line, in the configuration file and by CONFIG GET and SET.

#include <string>
#include <vector>

#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/namespaces.hpp>

namespace troupe::server {

struct server_state;

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

/// The present namespaces of a database, with their limits as they are now.
[[nodiscard]] std::vector<namespace_options> namespaces_of(const region& db);

/// Those of a server, also before it has started.
[[nodiscard]] std::vector<namespace_options>
present_namespaces(const server_state& server);

/// That `wanted` cannot be the limits of namespaces of `db`: because it has no such
/// ones, or because they are too small. `invalid_argument`.
[[nodiscard]] expected<void>
check_namespaces(const region& db,
                 const std::vector<namespace_options>& wanted);

/// Gives the namespaces of a database these limits, and the policies that are told;
/// others keep theirs. Errors: those of the region.
expected<void> change_namespaces(region& db,
                                 const std::vector<namespace_options>& wanted);

} // namespace troupe::server
