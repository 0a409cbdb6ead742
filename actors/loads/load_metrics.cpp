#include <troupe/actors/loads/load_metrics.hpp>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>

namespace troupe {

namespace {

struct load_figures {
  std::size_t in_flight = 0;
  std::size_t threads = 0;
  std::size_t waiting = 0;
};

constexpr std::array load_metrics{
  metric_of<load_figures>{{.name = "troupe_loads_in_flight",
                           .help = "Loads that have begun and not ended.",
                           .kind = metric_kind::gauge},
                          metric_member<&load_figures::in_flight>},
  metric_of<load_figures>{{.name = "troupe_loader_threads",
                           .help = "Loader threads that were started.",
                           .kind = metric_kind::gauge},
                          metric_member<&load_figures::threads>},
  metric_of<load_figures>{{.name = "troupe_loader_queue_depth",
                           .help = "Jobs that wait for a loader thread.",
                           .kind = metric_kind::gauge},
                          metric_member<&load_figures::waiting>},
};

} // namespace

expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, load_coordinator& x) {
  std::vector<metric_registration> result;
  auto counted = in.add(x.counted());
  if (!counted)
    return tl::unexpected{std::move(counted.error())};
  result.push_back(std::move(*counted));
  auto present = in.add(load_metrics, [&x] {
    return load_figures{x.in_flight(), x.workers().threads(),
                        x.workers().waiting()};
  });
  if (!present)
    return tl::unexpected{std::move(present.error())};
  result.push_back(std::move(*present));
  return result;
}

} // namespace troupe
