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

/// A field of INFO and its value: the sum of all series of a metric.
struct shown_metric {
  std::string_view section;
  std::string_view name;
  std::int64_t value = 0;
};

/// The metrics that INFO shows. Counters count since CONFIG RESETSTAT. Thread-safe.
class info_metrics {
public:
  /// The fields of the wanted sections, in the order of registration. Throws
  /// std::bad_alloc.
  [[nodiscard]] std::vector<shown_metric>
  read(const metric_registry& from,
       const std::function<bool(std::string_view section)>& wanted) const;

  /// For CONFIG RESETSTAT: counters begin at 0 again, except those with
  /// `info_field::kept_at_reset`. Throws std::bad_alloc.
  void reset(const metric_registry& from);

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> at_reset_; // Key: section and field.
};

} // namespace troupe::server
