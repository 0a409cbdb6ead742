#include <troupe/messages/types/metrics/metric.hpp>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr std::size_t longest_name = 100;
constexpr std::size_t longest_label = 256;

struct unit_row {
  std::string_view base;
  double scale;
};

// In the order of `metric_unit`.
constexpr std::array<unit_row, 4> units{{
  {"", 1},
  {"bytes", 1},
  {"seconds", 1e-9},
  {"seconds", 1e-3},
}};

const unit_row& row_of(metric_unit x) noexcept {
  return units[std::min(static_cast<std::size_t>(x), units.size() - 1)];
}

bool is_name(std::string_view x) noexcept {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !x.empty() && x.size() <= longest_name && x[0] >= 'a' && x[0] <= 'z'
         && std::ranges::all_of(x, fits);
}

tl::unexpected<error> refuse(std::string_view name, const std::string& why) {
  return fail(errc::invalid_argument,
              "metric '" + std::string{name} + "': " + why);
}

} // namespace

std::string_view to_string(metric_kind x) noexcept {
  switch (x) {
    case metric_kind::counter:
      return "counter";
    case metric_kind::gauge:
      return "gauge";
    case metric_kind::histogram:
      return "histogram";
  }
  return "unknown";
}

std::string_view base_unit(metric_unit x) noexcept {
  return row_of(x).base;
}

double base_scale(metric_unit x) noexcept {
  return row_of(x).scale;
}

expected<void> check(const metric_info& x) {
  constexpr std::string_view total = "_total";
  if (!is_name(x.name))
    return refuse(x.name, "a name is 1 to 100 lower-case letters, digits and "
                          "underscores, and begins with a letter");
  if (x.name.ends_with(total) != (x.kind == metric_kind::counter))
    return refuse(x.name, "names of counters end with '_total', others do not");
  auto stem = x.name;
  if (x.kind == metric_kind::counter)
    stem.remove_suffix(total.size());
  if (const auto unit = base_unit(x.unit);
      !unit.empty() && !stem.ends_with("_" + std::string{unit}))
    return refuse(x.name, "its unit is " + std::string{unit} + ", so '_"
                            + std::string{unit}
                            + "' ends its name (before '_total')");
  if (x.help.empty() || x.help.find_first_of("\r\n") != x.help.npos)
    return refuse(x.name, "its help is one line of text");
  if (x.info.section.empty() && x.info.name.empty())
    return {};
  if (!is_name(x.info.section) || !is_name(x.info.name))
    return refuse(x.name, "a field of INFO has a section and a name of "
                          "lower-case letters, digits and underscores");
  if (x.kind == metric_kind::histogram)
    return refuse(x.name, "INFO shows counters and gauges only");
  return {};
}

expected<void> check(const metric_labels& x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto& label = x[i];
    if (!is_name(label.name))
      return fail(errc::invalid_argument,
                  "label '" + label.name
                    + "': a name is 1 to 100 lower-case letters, digits and "
                      "underscores, and begins with a letter");
    if (label.value.size() > longest_label)
      return fail(errc::invalid_argument, "label '" + label.name
                                            + "': its value has "
                                            + std::to_string(label.value.size())
                                            + " bytes, values have up to "
                                            + std::to_string(longest_label));
    for (std::size_t n = 0; n < i; ++n)
      if (x[n].name == label.name)
        return fail(errc::invalid_argument,
                    "label '" + label.name + "' occurs twice");
  }
  return {};
}

std::string text_of(const metric_labels& x) {
  std::string result;
  for (const auto& label : x) {
    result += (result.empty() ? "" : ",") + label.name + "=\"";
    for (const char c : label.value) {
      if (c == '\n') {
        result += "\\n";
        continue;
      }
      if (c == '"' || c == '\\')
        result += '\\';
      result += c;
    }
    result += '"';
  }
  return result;
}

} // namespace troupe
