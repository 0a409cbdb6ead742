#pragma once

#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>

namespace troupe::bench {

/// An actor system for contestants that are plain CAF: apart from Troupe's, so
/// that neither keeps the other's workers awake or asleep.
class plain_system {
public:
  /// `policy` is one of `scheduler_policies`.
  explicit plain_system(const std::string& policy)
    : config_(policy), system_(config_) {
    // nop
  }

  [[nodiscard]] caf::actor_system& get() noexcept {
    return system_;
  }

private:
  struct config : caf::actor_system_config {
    explicit config(const std::string& policy) {
      set("scheduler.policy", caf::atom_from_string(policy));
    }
  };

  config config_;
  caf::actor_system system_;
};

/// How idle workers of CAF's wait: `stealing` polls, ever more rarely, and is
/// CAF's default; `sharing` sleeps on a condition variable.
inline const std::vector<std::string>& scheduler_policies() {
  static const std::vector<std::string> names = {"stealing", "sharing"};
  return names;
}

} // namespace troupe::bench
