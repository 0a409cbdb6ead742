#pragma once

// What clients may keep: all together, and each of them.

#include <string_view>

#include "apps/resp/error_text.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// Counts what a client keeps among that of all. False when it keeps more than
/// before, all together more than `maxmemory-clients`, and it more than its fair share:
/// that limit divided by the connected clients, or `defaults::least_client_memory` when
/// that is more. So one client that keeps nearly all closes none that keeps little.
[[nodiscard]] bool count_memory(client& self, server_state& server) noexcept;

/// Disconnects a client that keeps too much, by default one for which `count_memory` was
/// false. The reply says why.
void evict(client& self, thread_counters& counters, resp::reply_writer& reply,
           std::string_view why = resp::error_text::client_evicted);

} // namespace troupe::server
