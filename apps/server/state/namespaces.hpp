#pragma once

// The setting "namespaces" (apps/settings/namespaces.hpp) of a running server.

#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/namespaces.hpp>

namespace troupe {

class region;

} // namespace troupe

namespace troupe::server {

struct server_state;

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
