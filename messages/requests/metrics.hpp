#pragma once

// What the supervisor is asked about metrics.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

struct list_metrics_request {
  /// Only metrics whose name starts with this.
  std::string prefix;
  /// At most this many rows, in the order in which they were registered.
  std::uint64_t limit = 1000;
};

fields<&list_metrics_request::prefix, &list_metrics_request::limit>
fields_of(const list_metrics_request&);

/// One series.
struct metric_row {
  std::string name;
  std::string labels; ///< `region="db0"`; empty: none.
  std::string kind;   ///< "counter", "gauge" or "histogram".
  std::string unit;   ///< "bytes", "seconds"; empty for things.
  std::string help;
  double value = 0; ///< In its unit; of a histogram the sum of all values.

  // Of a histogram; 0 for the others. Quantiles are exact to 1/16 of their value.
  std::uint64_t count = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};

fields<&metric_row::name, &metric_row::labels, &metric_row::kind,
       &metric_row::unit, &metric_row::help, &metric_row::value,
       &metric_row::count, &metric_row::p50, &metric_row::p90, &metric_row::p99>
fields_of(const metric_row&);

struct metric_list {
  std::vector<metric_row> metrics;
  std::uint64_t total = 0; ///< Rows without the limit.
};

fields<&metric_list::metrics, &metric_list::total>
fields_of(const metric_list&);

} // namespace troupe
