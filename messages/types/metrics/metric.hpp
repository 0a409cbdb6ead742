#pragma once

// How a metric is described: its declaration stands beside what counts, and everything
// that shows metrics (INFO, the console, an exporter) reads it from there.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/histogram_counts.hpp>

namespace troupe {

enum class metric_kind : std::uint8_t {
  counter,   ///< Only grows, from 0 on.
  gauge,     ///< Goes up and down.
  histogram, ///< Counts values by their size.
};

/// What the stored integers are multiples of.
enum class metric_unit : std::uint8_t {
  none, ///< Things: keys, commands, connections.
  byte,
  nanosecond,
  millisecond,
};

/// "counter", "gauge" or "histogram".
[[nodiscard]] std::string_view to_string(metric_kind x) noexcept;

/// The unit that people and exporters read: "bytes", "seconds", or "" for things.
[[nodiscard]] std::string_view base_unit(metric_unit x) noexcept;

/// How many base units one unit is: 0.001 for milliseconds.
[[nodiscard]] double base_scale(metric_unit x) noexcept;

/// Where the server's INFO shows a metric, as the sum over its labels.
struct info_field {
  std::string_view
    section; ///< "stats", in lower case; empty: INFO does not show it.
  std::string_view name; ///< "total_commands_processed".
  /// CONFIG RESETSTAT does not let this counter begin at 0 again.
  bool kept_at_reset = false;
};

/// What a metric is called and means. The texts are not copied: they must exist for as
/// long as the program, as literals do.
struct metric_info {
  /// Lower case, digits and underscores. It ends with "_total" exactly for a counter,
  /// and before that with its base unit, if it has one:
  /// "troupe_server_received_bytes_total".
  std::string_view name;
  std::string_view help; ///< One line, a sentence.
  /// A cell (counter.hpp, histogram.hpp) knows its own kind and ignores this one.
  metric_kind kind = metric_kind::counter;
  metric_unit unit = metric_unit::none;
  info_field info = {};
};

/// Whether the names are as described above. Errors: `invalid_argument`.
[[nodiscard]] expected<void> check(const metric_info& x);

/// Tells series of one metric apart: {"region", "db0"}.
struct metric_label {
  std::string name;  ///< Lower case, digits and underscores.
  std::string value; ///< Up to 256 bytes of any kind.

  friend bool operator==(const metric_label&, const metric_label&) = default;
};

using metric_labels = std::vector<metric_label>;

/// Errors: `invalid_argument`.
[[nodiscard]] expected<void> check(const metric_labels& x);

/// `region="db0",kind="channel"`, with backslashes before quotes, backslashes and line
/// ends in values, as Prometheus writes it; empty without labels.
[[nodiscard]] std::string text_of(const metric_labels& x);

/// The present value of a series, in its `metric_unit`.
struct metric_value {
  std::int64_t value = 0; ///< Of a counter or a gauge.
  /// Of a histogram; else nullptr.
  std::shared_ptr<histogram_counts> histogram = nullptr;
};

/// One series as it was when it was read.
struct metric_sample {
  metric_info info;
  std::shared_ptr<const metric_labels> labels; ///< Never nullptr.
  metric_value value;
};

} // namespace troupe
