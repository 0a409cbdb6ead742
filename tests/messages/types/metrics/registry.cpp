#include <troupe/messages/types/metrics/registry.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

/// "jobs_total=3 depth{queue=\"a\"}=4".
std::string text_of(const std::vector<metric_sample>& all) {
  std::string result;
  for (const auto& x : all) {
    const auto labels = text_of(*x.labels);
    result += (result.empty() ? "" : " ") + std::string{x.info.name}
              + (labels.empty() ? "" : "{" + labels + "}") + "="
              + std::to_string(x.value.value);
  }
  return result;
}

constexpr metric_info depth{
  .name = "depth", .help = "What waits.", .kind = metric_kind::gauge};

std::function<std::int64_t()> always(std::int64_t x) {
  return [x] { return x; };
}

struct job_figures {
  std::uint64_t done = 0;
  std::chrono::milliseconds age{0};
};

constexpr std::array job_metrics{
  metric_of<job_figures>{{.name = "done_total", .help = "Jobs."},
                         metric_member<&job_figures::done>},
  metric_of<job_figures>{{.name = "age_seconds",
                          .help = "Age.",
                          .kind = metric_kind::gauge,
                          .unit = metric_unit::millisecond},
                         metric_member<&job_figures::age>},
};

struct job_cells : metric_cells {
  counter_cell jobs{*this, {.name = "jobs_total", .help = "Jobs."}};
  gauge open{*this, {.name = "open_jobs", .help = "Jobs that are open."}};
};

} // namespace

TEST_CASE("what counts is listed with its declaration", "[metrics]") {
  metric_registry uut;
  counter jobs;
  gauge open;
  histogram sizes;
  job_cells cells;
  const auto a = uut.add(
    {.name = "a_total", .help = "As.", .info = {"stats", "as"}}, jobs);
  const auto b = uut.add({.name = "b", .help = "Bs."}, open, {{"kind", "x"}});
  const auto c = uut.add(
    {.name = "c_bytes", .help = "Cs.", .unit = metric_unit::byte}, sizes);
  const auto d = uut.add(depth, always(4));
  const auto e = uut.add(job_metrics, [] {
    return job_figures{5, std::chrono::milliseconds{6}};
  });
  const auto f = uut.add(cells);
  REQUIRE((a && b && c && d && e && f));
  jobs.add(2);
  open.set(-3);
  sizes.record(100);
  cells.open.add(7);

  const auto all = uut.collect();
  CHECK(text_of(all)
        == "a_total=2 b{kind=\"x\"}=-3 c_bytes=0 depth=4 done_total=5 "
           "age_seconds=6 jobs_total=0 open_jobs=7");
  CHECK(uut.size() == all.size());
  CHECK(all[0].info.kind == metric_kind::counter);
  CHECK(all[0].info.help == "As.");
  CHECK(all[0].info.info.name == "as");
  CHECK(all[1].info.kind == metric_kind::gauge);
  CHECK(all[2].info.kind == metric_kind::histogram);
  CHECK(all[2].info.unit == metric_unit::byte);
  REQUIRE(all[2].value.histogram != nullptr);
  CHECK(all[2].value.histogram->sum() == 100);
  CHECK(all[5].info.unit == metric_unit::millisecond);
}

TEST_CASE("a series is registered once", "[metrics]") {
  metric_registry uut;
  const auto first = uut.add(depth, always(1), {{"queue", "a"}});
  const auto other = uut.add(depth, always(2), {{"queue", "b"}});
  REQUIRE((first && other));

  const auto again = uut.add(depth, always(3), {{"queue", "a"}});
  REQUIRE(!again);
  CHECK(again.error() == errc::invalid_argument);
  CHECK(again.error().text()
        == "metric 'depth{queue=\"a\"}' is registered already");
  auto changed = depth;
  changed.help = "Something else.";
  const auto unlike = uut.add(changed, always(3), {{"queue", "c"}});
  REQUIRE(!unlike);
  CHECK(unlike.error().text().find("another kind, unit or help")
        != std::string::npos);
  CHECK(uut.add({.name = "no_counter", .help = "x"}, always(3)).error()
        == errc::invalid_argument);
  CHECK(uut.add(depth, always(3), {{"Queue", "c"}}).error()
        == errc::invalid_argument);
  CHECK(text_of(uut.collect()) == "depth{queue=\"a\"}=1 depth{queue=\"b\"}=2");
}

TEST_CASE("two metrics are not one field of INFO", "[metrics]") {
  metric_registry uut;
  auto shown = depth;
  shown.info = {"stats", "depth"};
  const auto a = uut.add(shown, always(1), {{"queue", "a"}});
  const auto b = uut.add(shown, always(1), {{"queue", "b"}});
  CHECK((a && b));
  auto other = shown;
  other.name = "other";
  const auto refused = uut.add(other, always(1));
  REQUIRE(!refused);
  CHECK(refused.error().text()
        == "metric 'other' cannot be shown as 'stats/depth' of INFO, because "
           "'depth' is shown there");
}

TEST_CASE("when one metric is refused, none of its group is there",
          "[metrics]") {
  metric_registry uut;
  const auto present = uut.add({.name = "open_jobs",
                                .help = "Jobs that are open.",
                                .kind = metric_kind::gauge},
                               always(1));
  job_cells cells;
  CHECK(!uut.add(cells));
  CHECK(text_of(uut.collect()) == "open_jobs=1");
  CHECK(uut.size() == 1);
  const auto labelled = uut.add(cells, {{"kind", "x"}});
  CHECK(labelled);
  CHECK(uut.size() == 3);
}

TEST_CASE("a family has the members that its function names", "[metrics]") {
  metric_registry uut{2};
  std::vector<std::string> queues{"a", "b", "c"};
  constexpr metric_info served{.name = "served_total", .help = "Jobs."};
  const auto family = uut.add_family(
    {depth, served}, [&](const metric_registry::member_sink& to) {
      std::int64_t n = 0;
      for (const auto& x : queues) {
        const std::array<metric_value, 2> values{{{++n}, {n * 10}}};
        to({{"queue", x}}, values);
      }
    });
  REQUIRE(family);
  CHECK(uut.size() == 2);
  CHECK(text_of(uut.collect(
          [](const metric_info& x) { return x.name == "served_total"; }))
        == "served_total{queue=\"a\"}=10 served_total{queue=\"b\"}=20 "
           "served_total{queue=\"c\"}=30");
  queues = {"d"};
  CHECK(text_of(uut.collect())
        == "depth{queue=\"d\"}=1 served_total{queue=\"d\"}=10");
  queues.clear();
  CHECK(uut.collect().empty());
}

TEST_CASE("a family has its names alone", "[metrics]") {
  metric_registry uut;
  const auto nothing = [](const metric_registry::member_sink&) {};
  auto single = uut.add(depth, always(1), {{"queue", "a"}});
  REQUIRE(single);
  const auto refused = uut.add_family({depth}, nothing);
  REQUIRE(!refused);
  CHECK(refused.error().text()
        == "metric 'depth' is registered already, and a family has its names "
           "alone");
  *single = {};
  const auto family = uut.add_family({depth}, nothing);
  REQUIRE(family);
  CHECK(uut.add(depth, always(1), {{"queue", "a"}}).error()
        == errc::invalid_argument);
  CHECK(uut.add_family({depth}, nothing).error() == errc::invalid_argument);
}

TEST_CASE("there are never more series than the limit", "[metrics]") {
  metric_registry uut{3};
  job_cells cells;
  auto first = uut.add(cells);
  REQUIRE(first);
  const auto refused = uut.add(cells, {{"kind", "x"}});
  REQUIRE(!refused);
  CHECK(refused.error() == errc::limit_reached);
  CHECK(uut.size() == 2);
  *first = {};
  CHECK(uut.size() == 0);
  CHECK(uut.add(cells, {{"kind", "x"}}));
}

TEST_CASE("a registration that ends takes its metrics along", "[metrics]") {
  auto kept = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = kept;
  std::optional<metric_registry> uut{std::in_place};
  auto a = std::make_unique<metric_registration>(
    uut->add(depth, [kept] { return std::int64_t{*kept}; }).value());
  kept = nullptr;
  const auto copy = *uut;
  CHECK(text_of(copy.collect()) == "depth=0");
  a = nullptr;
  CHECK(alive.expired());
  CHECK(copy.collect().empty());

  auto b = uut->add(depth, always(1));
  REQUIRE(b);
  metric_registration moved = std::move(*b);
  CHECK(copy.size() == 1);
  moved = uut->add(depth, always(2), {{"queue", "b"}}).value();
  CHECK(text_of(copy.collect()) == "depth{queue=\"b\"}=2");
  uut.reset(); // The registration outlives the registry.
}

TEST_CASE("functions of unwanted metrics are not called", "[metrics]") {
  metric_registry uut;
  int calls = 0;
  const auto a = uut.add(depth, [&calls] { return std::int64_t{++calls}; });
  job_cells cells;
  const auto b = uut.add(cells);
  const auto only = [](std::string_view name) {
    return [name](const metric_info& x) { return x.name == name; };
  };
  CHECK(text_of(uut.collect(only("open_jobs"))) == "open_jobs=0");
  CHECK(calls == 0);
  CHECK(text_of(uut.collect(only("depth"))) == "depth=1");
}

TEST_CASE("a registration may end inside of its own function", "[metrics]") {
  metric_registry uut;
  std::optional<metric_registration> own;
  auto kept = std::make_shared<int>(5);
  const std::weak_ptr<int> alive = kept;
  own = uut
          .add(depth,
               [&own, kept] {
                 own.reset();
                 return std::int64_t{*kept};
               })
          .value();
  kept = nullptr;
  CHECK(text_of(uut.collect()) == "depth=5");
  CHECK(alive.expired());
  CHECK(uut.collect().empty());
}

TEST_CASE("the end of a registration waits for its function", "[metrics]") {
  metric_registry uut;
  std::atomic<bool> entered{false};
  std::atomic<bool> left{false};
  std::atomic<bool> ended{false};
  std::atomic<bool> too_early{false};
  std::optional<metric_registration> own{uut
                                           .add(depth,
                                                [&] {
                                                  entered = true;
                                                  // Lets the other thread wait.
                                                  for (int i = 0; i < 1'000;
                                                       ++i)
                                                    std::this_thread::yield();
                                                  too_early = ended.load();
                                                  left = true;
                                                  return std::int64_t{1};
                                                })
                                           .value()};
  std::size_t found = 0;
  std::thread reader{[&] { found = uut.collect().size(); }};
  while (!entered)
    std::this_thread::yield();
  own.reset();
  ended = true;
  CHECK(left);
  reader.join();
  CHECK(!too_early);
  CHECK(found == 1);
  CHECK(uut.collect().empty());
}

TEST_CASE("metrics come and go while they are collected", "[metrics]") {
  constexpr int threads = 3;
  constexpr int rounds = 300;
  metric_registry uut;
  std::atomic<int> running{threads};
  std::atomic<int> refused{0};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&uut, &running, &refused, i] {
      for (int n = 0; n < rounds; ++n) {
        // The counter ends right after its registration. A later call of the function
        // would use freed memory, which sanitizers report.
        auto cell = std::make_unique<counter>();
        cell->add(1);
        const auto kept = uut.add({.name = "a_total", .help = "As."}, *cell,
                                  {{"thread", std::to_string(i)}});
        refused += kept ? 0 : 1;
        cell->add(1);
      }
      --running;
    });
  while (running > 0) {
    const auto found = uut.collect();
    REQUIRE(found.size() <= threads);
    for (const auto& x : found)
      REQUIRE((x.value.value == 1 || x.value.value == 2));
  }
  for (auto& x : all)
    x.join();
  CHECK(refused == 0);
  CHECK(uut.size() == 0);
}
