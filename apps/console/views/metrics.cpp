#include "apps/console/views/metrics.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include <troupe/messages/types/text/printable.hpp>

#include "apps/console/text/table.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

/// The shortest text that is read back as the same number.
std::string number_text(double x) {
  std::array<char, 64> text{};
  const auto whole = std::trunc(x) == x && std::abs(x) < 1e15;
  const auto result
    = whole ? std::to_chars(text.data(), text.data() + text.size(),
                            static_cast<long long>(x))
            : std::to_chars(text.data(), text.data() + text.size(), x);
  return {text.data(), result.ptr};
}

/// "1.2 MiB", "1,234", "0.25 s".
std::string value_text(double x, const std::string& unit) {
  // The number comes from a peer and may have any value.
  if (!(x >= 0 && x < 1e18))
    return number_text(x);
  if (unit == "bytes")
    return bytes_text(static_cast<std::uint64_t>(x));
  if (unit == "seconds")
    return number_text(x) + " s";
  return std::trunc(x) == x ? count_text(static_cast<std::uint64_t>(x))
                            : number_text(x);
}

/// "17, p50 0.1 s, p90 0.2 s, p99 0.4 s" for a histogram.
std::string value_text(const metric_row& x) {
  if (x.kind != "histogram")
    return value_text(x.value, x.unit);
  auto result = count_text(x.count);
  if (x.count != 0)
    result += ", p50 " + value_text(x.p50, x.unit) + ", p90 "
              + value_text(x.p90, x.unit) + ", p99 "
              + value_text(x.p99, x.unit);
  return result;
}

/// "null" for infinities and NaN, which JSON does not have.
std::string json_number(double x) {
  return std::isfinite(x) ? number_text(x) : "null";
}

} // namespace

std::string text_of(const metric_list& x, std::size_t width) {
  if (x.total == 0)
    return "no metric has a name with this prefix\n";
  using enum alignment;
  table rows{{{"METRIC", left, true},
              {"LABELS", left, true},
              {"VALUE", right},
              {"HELP", left, true, 1}}};
  for (const auto& row : x.metrics)
    rows.add({quote_if_needed(row.name),
              row.labels.empty() ? "" : printable(row.labels), value_text(row),
              printable(row.help)});
  auto result = rows.render(width);
  if (x.total > x.metrics.size())
    result += "... and " + count_text(x.total - x.metrics.size()) + " more\n";
  return result;
}

json_object json_of(const metric_list& x) {
  std::vector<json_object> rows;
  for (const auto& row : x.metrics) {
    auto object = json_object{}
                    .add("name", row.name)
                    .add("labels", row.labels)
                    .add("kind", row.kind)
                    .add("unit", row.unit)
                    .add("help", row.help)
                    .add_json("value", json_number(row.value));
    if (row.kind == "histogram")
      object.add("count", row.count)
        .add_json("p50", json_number(row.p50))
        .add_json("p90", json_number(row.p90))
        .add_json("p99", json_number(row.p99));
    rows.push_back(std::move(object));
  }
  return json_object{}.add("metrics", rows).add("total", x.total);
}

} // namespace troupe::console
