#include <troupe/actors/regions/region_metrics.hpp>

#include <utility>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/figure_metrics.hpp>

namespace troupe {

namespace {

/// The metrics that a region adds behind the metrics of its provider.
constexpr metric_info undecodable{
  .name = "troupe_region_undecodable_total",
  .help = "Reads that met bytes that are no value of the region's type."};
constexpr metric_info shards{.name = "troupe_region_shards",
                             .help = "Shards, those that are down included.",
                             .kind = metric_kind::gauge};

} // namespace

expected<metric_registration>
register_metrics(metric_registry& in, std::shared_ptr<const region> x) {
  std::vector<metric_info> infos;
  for (const auto& one : provider_metrics)
    infos.push_back(one.info);
  infos.push_back(undecodable);
  infos.push_back(shards);
  metric_labels labels{{"region", x->name()}};
  return in.add(std::move(infos), std::move(labels),
                [x = std::move(x)](std::span<metric_value> to) {
                  const auto stats = x->stats();
                  for (std::size_t i = 0; i < provider_metrics.size(); ++i)
                    to[i].value = provider_metrics[i].read(stats);
                  to[provider_metrics.size()].value
                    = detail::to_metric(stats.undecodable);
                  to[provider_metrics.size() + 1].value
                    = detail::to_metric(x->provider().parts_made());
                });
}

} // namespace troupe
