#include <troupe/actors/regions/detail/region_metrics.hpp>

#include <utility>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/figure_metrics.hpp>

namespace troupe {

namespace {

/// The metrics that a region adds behind the metrics of its provider.
constexpr metric_info undecodable{
  .name = "troupe_region_undecodable_total",
  .help = "Reads of bytes that cannot be decoded as the region's type."};
constexpr metric_info shards{
  .name = "troupe_region_shards",
  .help = "Shards that were made, including shards that are down.",
  .kind = metric_kind::gauge};

/// The values in the order of the declarations.
void read(const region& from, std::span<metric_value> to) {
  const auto stats = from.stats();
  for (std::size_t i = 0; i < provider_metrics.size(); ++i)
    to[i].value = provider_metrics[i].read(stats);
  to[provider_metrics.size()].value = detail::to_metric(stats.undecodable);
  to[provider_metrics.size() + 1].value
    = detail::to_metric(from.provider().parts_made());
}

} // namespace

expected<metric_registration> register_region_metrics(metric_registry& in,
                                                      region_lister list) {
  std::vector<metric_info> infos;
  infos.reserve(provider_metrics.size() + 2);
  for (const auto& one : provider_metrics)
    infos.push_back(one.info);
  infos.push_back(undecodable);
  infos.push_back(shards);
  const auto count = infos.size();
  return in.add_family(
    std::move(infos),
    [list = std::move(list), count](const metric_registry::member_sink& to) {
      std::vector<metric_value> values(count);
      for (const auto& x : list()) {
        read(*x, values);
        to({{"region", x->name()}}, values);
      }
    });
}

} // namespace troupe
