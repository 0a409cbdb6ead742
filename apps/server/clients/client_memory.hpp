#pragma once

// The limit of the memory that clients keep (`maxmemory-clients`).

#include <string_view>

#include "apps/resp/error_text.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// Updates the sum of the memory of all clients with the memory of this client. Returns
/// false when this client must be disconnected: its memory has grown, the sum is above
/// `maxmemory-clients`, and the client has more than its fair share. The fair share is
/// the limit divided by the number of clients, or `defaults::least_client_memory` if
/// that is more. So a client with little memory is not disconnected because of another
/// one.
[[nodiscard]] bool count_memory(client& self, server_state& server) noexcept;

/// Counts and disconnects a client that keeps too much memory. Replies with the error
/// `why`, by default the one for a client for which `count_memory` returned false.
void evict(client& self, thread_counters& counters, resp::reply_writer& reply,
           std::string_view why = resp::error_text::client_evicted);

} // namespace troupe::server
