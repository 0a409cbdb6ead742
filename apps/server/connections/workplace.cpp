#include "apps/server/connections/workplace.hpp"

#include "apps/server/state/defaults.hpp"

namespace troupe::server {

workplace::workplace(server_state& server, thread_counters& counters)
  : commands(server, counters), server_(server), counters_(counters) {
  input.prepare(defaults::read_size);
  output.bytes.prepare(defaults::read_size);
}

} // namespace troupe::server
