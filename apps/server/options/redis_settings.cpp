// Settings of Redis that are fixed in this server. Programs ask for them by CONFIG GET.

#include <string>

#include "apps/server/options/option_families.hpp"

namespace troupe::server {

std::vector<server_option> redis_settings() {
  return under("Redis",
               {
                 {{.name = "appendonly", .preset = "no", .hidden = true}},
                 {{.name = "save", .hidden = true}},
                 {{.name = "proto-max-bulk-len", .hidden = true},
                  {},
                  [](const server_state& x) {
                    return std::to_string(x.options.limits.bulk);
                  }},
               });
}

} // namespace troupe::server
