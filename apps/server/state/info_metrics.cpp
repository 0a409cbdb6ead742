#include "apps/server/state/info_metrics.hpp"

#include <algorithm>
#include <utility>

namespace troupe::server {

namespace {

bool resets(const metric_info& x) noexcept {
  return x.kind == metric_kind::counter && !x.info.kept_at_reset;
}

std::string key_of(const info_field& x) {
  return std::string{x.section} + "/" + std::string{x.name};
}

} // namespace

std::vector<shown_metric> info_metrics::read(
  const metric_registry& from,
  const std::function<bool(std::string_view section)>& wanted) const {
  // Read before the counters, so that no counter is less than its value at the reset.
  const auto before = [this] {
    std::lock_guard guard{mutex_};
    return at_reset_;
  }();
  std::vector<shown_metric> result;
  std::map<std::string, std::size_t> places;
  for (const auto& x : from.collect([&wanted](const metric_info& info) {
         return !info.info.name.empty() && wanted(info.info.section);
       })) {
    const auto [place, is_new]
      = places.try_emplace(key_of(x.info.info), result.size());
    if (is_new)
      result.push_back({x.info.info.section, x.info.info.name, 0});
    result[place->second].value += x.value.value;
  }
  // A sum is less than at the reset when a region has closed since.
  for (const auto& [key, value] : before)
    if (const auto i = places.find(key); i != places.end()) {
      auto& x = result[i->second].value;
      x = std::max<std::int64_t>(x - value, 0);
    }
  return result;
}

void info_metrics::reset(const metric_registry& from) {
  std::map<std::string, std::int64_t> sums;
  for (const auto& x : from.collect([](const metric_info& info) {
         return !info.info.name.empty() && resets(info);
       }))
    sums[key_of(x.info.info)] += x.value.value;
  std::lock_guard guard{mutex_};
  at_reset_ = std::move(sums);
}

} // namespace troupe::server
