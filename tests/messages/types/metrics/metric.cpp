#include <troupe/messages/types/metrics/metric.hpp>

#include <string>

#include "catch.hpp"

using namespace troupe;

namespace {

/// The error of a declaration, or an empty text.
std::string problem(const metric_info& x) {
  const auto ok = check(x);
  return ok ? std::string{} : ok.error().text();
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a metric is named after its kind and unit", "[metrics]") {
  CHECK(problem({.name = "app_jobs_total", .help = "Jobs."}) == "");
  CHECK(problem({.name = "app_sent_bytes_total",
                 .help = "Bytes.",
                 .unit = metric_unit::byte})
        == "");
  CHECK(problem({.name = "app_wait_seconds",
                 .help = "Time.",
                 .kind = metric_kind::histogram,
                 .unit = metric_unit::nanosecond})
        == "");

  CHECK(mentions(problem({.name = "app_jobs", .help = "Jobs."}), "'_total'"));
  CHECK(mentions(
    problem(
      {.name = "app_jobs_total", .help = "Jobs.", .kind = metric_kind::gauge}),
    "'_total'"));
  CHECK(mentions(problem({.name = "app_wait_milliseconds",
                          .help = "Time.",
                          .kind = metric_kind::gauge,
                          .unit = metric_unit::millisecond}),
                 "'_seconds'"));
  for (const auto* name : {"", "App_total", "1_total", "a-b_total", "a total"})
    CHECK(mentions(problem({.name = name, .help = "x"}), "lower-case letters"));
  CHECK(mentions(problem({.name = "a_total", .help = ""}), "one line"));
  CHECK(mentions(problem({.name = "a_total", .help = "a\nb"}), "one line"));
}

TEST_CASE("a field of INFO has a section and a name", "[metrics]") {
  metric_info x{
    .name = "a_total", .help = "x", .info = {"stats", "number_of_as"}};
  CHECK(problem(x) == "");
  x.info = {"", "number_of_as"};
  CHECK(mentions(problem(x), "a section and a name"));
  x.info = {"Stats", "number_of_as"};
  CHECK(mentions(problem(x), "a section and a name"));
  x.info = {"stats", "a:b"};
  CHECK(mentions(problem(x), "a section and a name"));
  x = {.name = "a",
       .help = "x",
       .kind = metric_kind::histogram,
       .info = {"stats", "as"}};
  CHECK(mentions(problem(x), "counters and gauges only"));
}

TEST_CASE("labels are checked, and escaped as Prometheus does", "[metrics]") {
  CHECK(check(metric_labels{}));
  CHECK(check(metric_labels{{"region", "db0"}, {"kind", "any \xff"}}));
  CHECK(check(metric_labels{{"Region", "db0"}}).error()
        == errc::invalid_argument);
  CHECK(check(metric_labels{{"a", "1"}, {"a", "2"}}).error()
        == errc::invalid_argument);
  CHECK(check(metric_labels{{"a", std::string(256, 'x')}}));
  CHECK(check(metric_labels{{"a", std::string(257, 'x')}}).error()
        == errc::invalid_argument);
  CHECK(text_of(metric_labels{}) == "");
  CHECK(text_of({{"a", "x"}, {"b", "q\"\\\n"}}) == R"(a="x",b="q\"\\\n")");
}

TEST_CASE("units have a base and a scale", "[metrics]") {
  CHECK(base_unit(metric_unit::none) == "");
  CHECK(base_unit(metric_unit::byte) == "bytes");
  CHECK(base_unit(metric_unit::millisecond) == "seconds");
  CHECK(base_unit(metric_unit::nanosecond) == "seconds");
  CHECK(base_scale(metric_unit::byte) == 1);
  CHECK(base_scale(metric_unit::millisecond) == 1e-3);
  CHECK(base_scale(metric_unit::nanosecond) == 1e-9);
  CHECK(to_string(metric_kind::counter) == "counter");
  CHECK(to_string(metric_kind::gauge) == "gauge");
  CHECK(to_string(metric_kind::histogram) == "histogram");
}
