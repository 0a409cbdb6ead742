#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe::server {

/// A field of INFO: the sum over the series of a metric.
struct shown_metric {
  std::string_view section;
  std::string_view name;
  std::int64_t value = 0;
};

/// The metrics that INFO shows, counters since CONFIG RESETSTAT. Thread-safe.
class info_metrics {
public:
  /// Those of the sections that are wanted, in the order in which they were registered.
  [[nodiscard]] std::vector<shown_metric>
  read(const metric_registry& from,
       const std::function<bool(std::string_view section)>& wanted) const;

  /// Lets the counters begin at 0, but for those that are kept.
  void reset(const metric_registry& from);

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> at_reset_; // By section and field.
};

} // namespace troupe::server
