#pragma once

#include <memory>

#include <troupe/actors/testing/provider_guard.hpp>
#include <troupe/backends/provider_factory.hpp>

namespace troupe::testing {

/// Makes providers that show each call to a guard and pass it on to a provider below
/// them: a region on one keeps all promises, but for the errors and delays that the
/// guard adds. Abilities, figures and parts are those of the provider below; calls of
/// abilities are not shown. A hit in memory is not inlined.
///
/// For `region_options::provider`:
///
///   auto plan = std::make_shared<troupe::testing::fault_plan>();
///   options.provider = std::make_shared<troupe::testing::guarded_factory>(plan);
class guarded_factory final : public provider_factory {
public:
  /// `below` makes the provider below; nullptr: memory, under the region's own limits.
  explicit guarded_factory(std::shared_ptr<provider_guard> guard,
                           std::shared_ptr<const provider_factory> below
                           = nullptr);

  /// Errors: those of the factory below. Throws std::bad_alloc.
  [[nodiscard]] expected<std::shared_ptr<provider>>
  make(const provider_environment& with) const override;

private:
  const std::shared_ptr<provider_guard> guard_;
  const std::shared_ptr<const provider_factory> below_;
};

} // namespace troupe::testing
