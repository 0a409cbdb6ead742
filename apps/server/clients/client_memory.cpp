#include "apps/server/clients/client_memory.hpp"

#include <algorithm>
#include <cstddef>

#include "apps/server/state/defaults.hpp"

namespace troupe::server {

bool count_memory(client& self, server_state& server) noexcept {
  const auto most = server.live.max_client_memory.load();
  const auto held = self.held_bytes();
  if (self.memory.count(server.client_memory, held, most)) [[likely]]
    return true;
  const auto clients = std::max<std::size_t>(server.clients.size(), 1);
  return held <= std::max(most / clients, defaults::least_client_memory);
}

void evict(client& self, thread_counters& counters, resp::reply_writer& reply,
           std::string_view why) {
  counters.clients_evicted.add(1);
  self.leaving = true;
  reply.error(why);
}

} // namespace troupe::server
