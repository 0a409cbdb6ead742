#pragma once

#include <memory>
#include <string>

#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class lane_executor;
class worker_pool;

/// The arguments for making a provider.
struct provider_environment {
  std::string region;
  /// The region's options; the provider fills in those that are left to it.
  region_options& options;
  const clock& time; ///< Outlives the provider.
  std::shared_ptr<lane_executor> executor;
  worker_pool& workers; ///< For work outside of turns. Drops jobs when it ends.
};

/// Makes the providers of regions; see `region_options::provider`. Immutable.
class provider_factory {
public:
  virtual ~provider_factory() = default;

  /// Errors: why the provider cannot be opened; nothing remains then.
  [[nodiscard]] virtual expected<std::shared_ptr<provider>>
  make(const provider_environment& with) const = 0;
};

} // namespace troupe
