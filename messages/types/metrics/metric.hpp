#pragma once

// The declaration of a metric: name, kind, unit and help. It is written where the
// metric is counted. INFO, the console and exporters read it from a registry
// (registry.hpp).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/histogram_counts.hpp>

namespace troupe {

/// How the value of a metric changes.
enum class metric_kind : std::uint8_t {
  counter,   ///< Starts at 0 and only grows.
  gauge,     ///< Goes up and down.
  histogram, ///< Counts values by their size.
};

/// The unit of the stored integers.
enum class metric_unit : std::uint8_t {
  none, ///< A number of things: keys, commands, connections.
  byte,
  nanosecond,
  millisecond,
};

/// "counter", "gauge" or "histogram".
[[nodiscard]] std::string_view to_string(metric_kind x) noexcept;

/// The unit in which values are shown and exported: "bytes", "seconds", or "" for
/// numbers of things.
[[nodiscard]] std::string_view base_unit(metric_unit x) noexcept;

/// The factor from a unit to its base unit: 0.001 for milliseconds.
[[nodiscard]] double base_scale(metric_unit x) noexcept;

/// The field of the server's INFO that shows a metric, as the sum over its labels.
struct info_field {
  std::string_view
    section; ///< Lower case, such as "stats". Empty: INFO does not show the metric.
  std::string_view name; ///< Such as "total_commands_processed".
  /// Whether CONFIG RESETSTAT leaves this counter as it is.
  bool kept_at_reset = false;
};

/// The declaration of a metric. The texts are not copied: they must exist until the
/// program ends, as literals do.
struct metric_info {
  /// 1 to 100 lower-case letters, digits and underscores, the first a letter. The name
  /// ends with the base unit, if the metric has one. The name of a counter, and no
  /// other, then ends with "_total": "troupe_server_received_bytes_total".
  std::string_view name;
  std::string_view help; ///< A sentence, in one line.
  /// Ignored for a cell (cells.hpp), whose type determines the kind.
  metric_kind kind = metric_kind::counter;
  metric_unit unit = metric_unit::none;
  info_field info = {};
};

/// Checks a declaration against the rules above. A histogram may have no `info`.
/// Errors: `invalid_argument`, which names the rule.
[[nodiscard]] expected<void> check(const metric_info& x);

/// Distinguishes the series of one metric: {"region", "db0"}.
struct metric_label {
  std::string name;  ///< As the name of a metric, without the rules of its end.
  std::string value; ///< Up to 256 bytes, of any values.

  friend bool operator==(const metric_label&, const metric_label&) = default;
};

using metric_labels = std::vector<metric_label>;

/// Checks labels against the rules above; each name may occur once. Errors:
/// `invalid_argument`.
[[nodiscard]] expected<void> check(const metric_labels& x);

/// The labels in Prometheus's format: `region="db0",kind="channel"`. In values, quotes
/// and backslashes get a backslash, and a line end becomes `\n`. Empty without labels.
[[nodiscard]] std::string text_of(const metric_labels& x);

/// The present value of a series, in its `metric_unit`.
struct metric_value {
  std::int64_t value = 0; ///< For a counter or a gauge.
  /// For a histogram; otherwise nullptr.
  std::shared_ptr<histogram_counts> histogram = nullptr;
};

/// One series and its value at the time of the reading.
struct metric_sample {
  metric_info info;
  std::shared_ptr<const metric_labels> labels; ///< Never nullptr.
  metric_value value;
};

} // namespace troupe
