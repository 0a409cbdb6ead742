#include <troupe/actors/supervision/metric_rows.hpp>

#include <string>

namespace troupe {

namespace {

metric_row row_of(const metric_sample& x) {
  const auto scale = base_scale(x.info.unit);
  const auto scaled
    = [scale](auto number) { return static_cast<double>(number) * scale; };
  metric_row result;
  result.name = x.info.name;
  result.labels = text_of(*x.labels);
  result.kind = to_string(x.info.kind);
  result.unit = base_unit(x.info.unit);
  result.help = x.info.help;
  result.value = scaled(x.value.value);
  if (const auto* counts = x.value.histogram.get()) {
    result.value = scaled(counts->sum());
    result.count = counts->count();
    result.p50 = scaled(counts->quantile(0.5));
    result.p90 = scaled(counts->quantile(0.9));
    result.p99 = scaled(counts->quantile(0.99));
  }
  return result;
}

} // namespace

metric_list rows_of(const metric_registry& from,
                    const list_metrics_request& what) {
  metric_list result;
  for (const auto& x : from.collect([&what](const metric_info& info) {
         return info.name.starts_with(what.prefix);
       })) {
    if (result.metrics.size() < what.limit)
      result.metrics.push_back(row_of(x));
    ++result.total;
  }
  return result;
}

} // namespace troupe
