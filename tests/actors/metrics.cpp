#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/troupe.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

/// The value of a series, or -1 when it is not registered.
std::int64_t value_of(const metric_registry& in, std::string_view name,
                      const std::string& labels = {}) {
  for (const auto& x : in.collect())
    if (x.info.name == name && text_of(*x.labels) == labels)
      return x.value.value;
  return -1;
}

metric_list ask(runtime& rt, const list_metrics_request& what) {
  caf::scoped_actor self{rt.system()};
  metric_list result;
  self->request(rt.supervisor(), caf::infinite, what)
    .receive([&](metric_list& x) { result = std::move(x); },
             [](const caf::error&) { FAIL("no answer"); });
  return result;
}

} // namespace

TEST_CASE("the figures of a runtime are in its registry", "[metrics]") {
  runtime rt;
  auto one = rt.open_region("one");
  auto two = rt.open_region("two");
  REQUIRE((one && two));
  REQUIRE((*one)->set("a", "1"));
  REQUIRE((*one)->set("b", "2"));
  auto& uut = rt.metrics();
  CHECK(value_of(uut, "troupe_region_keys", "region=\"one\"") == 2);
  CHECK(value_of(uut, "troupe_region_keys", "region=\"two\"") == 0);
  CHECK(value_of(uut, "troupe_region_shards", "region=\"two\"")
        == static_cast<std::int64_t>((*two)->provider().parts_made()));
  CHECK(value_of(uut, "troupe_region_memory_bytes", "region=\"one\"")
        == static_cast<std::int64_t>((*one)->stats().bytes));
  CHECK(value_of(uut, "troupe_actors")
        == static_cast<std::int64_t>(rt.stat().actors));
  CHECK(value_of(uut, "troupe_actor_crashes_total") == 0);
  CHECK(value_of(uut, "troupe_loads_in_flight") == 0);
  CHECK(value_of(uut, "process_threads") > 0);
  CHECK(value_of(uut, "process_resident_memory_bytes") > 0);
}

TEST_CASE("loads are counted with their duration", "[metrics]") {
  runtime rt;
  auto uut = rt.open_region("one");
  REQUIRE(uut);
  CHECK((*uut)->get_or_set(
    "a", [](load_context&) -> expected<bytes> { return bytes{"1"}; }));
  CHECK(!(*uut)->get_or_set("b", [](load_context&) -> expected<bytes> {
    return fail(errc::load_failed, "no");
  }));
  // A load is counted before its caller continues.
  for (const auto& x : rt.metrics().collect())
    if (x.value.histogram)
      CHECK(x.value.histogram->count() == 2);
  CHECK(value_of(rt.metrics(), "troupe_failed_loads_total") == 1);
}

TEST_CASE("the supervisor lists metrics, those of the program included",
          "[metrics]") {
  runtime rt;
  REQUIRE(rt.open_region("one"));
  histogram waits;
  const auto kept = rt.metrics().add({.name = "app_wait_seconds",
                                      .help = "How long jobs waited.",
                                      .unit = metric_unit::millisecond},
                                     waits, {{"queue", "a"}});
  REQUIRE(kept);
  for (int i = 0; i < 100; ++i)
    waits.record(8);
  const auto own = ask(rt, {"app_"});
  REQUIRE(own.metrics.size() == 1);
  CHECK(own.total == 1);
  const auto& row = own.metrics[0];
  CHECK(row.name == "app_wait_seconds");
  CHECK(row.labels == "queue=\"a\"");
  CHECK(row.kind == "histogram");
  CHECK(row.unit == "seconds");
  CHECK(row.help == "How long jobs waited.");
  CHECK(row.count == 100);
  CHECK_THAT(row.value, Catch::Matchers::WithinAbs(0.8, 1e-9));
  CHECK_THAT(row.p99, Catch::Matchers::WithinAbs(0.008, 1e-9));

  const auto all = ask(rt, {});
  CHECK(all.metrics.size() == all.total);
  CHECK(all.total == rt.metrics().size());
  const auto some = ask(rt, {"", 3});
  CHECK(some.metrics.size() == 3);
  CHECK(some.total == all.total);
  CHECK(ask(rt, {"nothing"}).total == 0);
}

TEST_CASE("a registry outlives its runtime", "[metrics]") {
  metric_registry kept;
  {
    runtime rt;
    REQUIRE(rt.open_region("one"));
    kept = rt.metrics();
    CHECK(kept.size() > 20);
  }
  CHECK(kept.size() == 0);
  CHECK(kept.collect().empty());
}
