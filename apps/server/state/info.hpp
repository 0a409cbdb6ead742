#pragma once

#include <string>

#include "apps/resp/arguments.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// The text of INFO: the named sections in any case, all when none is named.
/// Field names are Redis's where Redis has such a field.
std::string info_text(const server_state& server, resp::arguments sections);

} // namespace troupe::server
