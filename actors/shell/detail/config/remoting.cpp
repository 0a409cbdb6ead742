#include <troupe/actors/shell/detail/config/remoting.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>

namespace troupe::detail {

void load_middleman(caf::actor_system_config& cfg) {
  cfg.load<caf::io::middleman>();
}

} // namespace troupe::detail
