#include <troupe/actors/regions/stand_alone.hpp>

#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/backends/memory/memory_provider.hpp>

namespace troupe {

expected<std::shared_ptr<region>>
open_alone(std::string name, const region_options& options, const clock& time,
           std::shared_ptr<lane_executor> executor,
           std::shared_ptr<load_coordinator> loads,
           std::optional<integer_range> counts) {
  auto completed = with_defaults(options);
  const provider_environment with{name, completed, time, std::move(executor),
                                  loads->workers()};
  std::shared_ptr<provider> below;
  if (options.provider == nullptr) {
    below = std::make_shared<memory_provider>(with);
  } else {
    auto made = options.provider->make(with);
    if (!made)
      return tl::unexpected{std::move(made.error())};
    below = std::move(*made);
  }
  auto breaker = loads->breakers().get(name, completed.breaker);
  if (!breaker)
    return tl::unexpected{std::move(breaker.error())};
  return std::make_shared<region>(std::move(name), completed, time,
                                  std::move(below), std::move(loads), counts,
                                  std::move(*breaker));
}

} // namespace troupe
