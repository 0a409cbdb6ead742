#pragma once

// The request to the supervisor that lists metrics, and its answer.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

/// Asks the supervisor for the present values of metrics.
struct list_metrics_request {
  /// Lists only metrics whose name starts with this text.
  std::string prefix;
  /// The most rows in the answer. Rows are in the order of registration.
  std::uint64_t limit = 1000;
};

fields<&list_metrics_request::prefix, &list_metrics_request::limit>
fields_of(const list_metrics_request&);

/// The present value of one series: a metric with one set of labels.
struct metric_row {
  std::string name;
  std::string labels; ///< `region="db0"`; empty: the series has no labels.
  std::string kind;   ///< "counter", "gauge" or "histogram".
  std::string unit;   ///< "bytes" or "seconds"; empty for numbers of things.
  std::string help;
  double value = 0; ///< In `unit`. For a histogram the sum of its values.

  // Only for histograms; otherwise 0. Quantiles are exact to 1/16 of their value.
  std::uint64_t count = 0; ///< Number of recorded values.
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};

fields<&metric_row::name, &metric_row::labels, &metric_row::kind,
       &metric_row::unit, &metric_row::help, &metric_row::value,
       &metric_row::count, &metric_row::p50, &metric_row::p90, &metric_row::p99>
fields_of(const metric_row&);

/// The answer to `list_metrics_request`.
struct metric_list {
  std::vector<metric_row> metrics;
  std::uint64_t total = 0; ///< Number of rows without the limit.
};

fields<&metric_list::metrics, &metric_list::total>
fields_of(const metric_list&);

} // namespace troupe
