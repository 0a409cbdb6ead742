#include <troupe/messages/types/metrics/cell_group.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct some_cells : metric_cells {
  counter_cell jobs{*this, {.name = "jobs_total", .help = "Jobs."}};
  gauge open{*this, {.name = "open_jobs", .help = "Jobs that are open."}};
  histogram sizes{*this,
                  {.name = "job_size_bytes",
                   .help = "Sizes of jobs.",
                   .unit = metric_unit::byte}};
};

constexpr int threads = 4;
constexpr std::uint64_t rounds = 20'000;

/// Runs `f(number)` on several threads, and `look()` on this one until they have ended.
template <class F, class Look>
void on_threads(F f, Look look) {
  std::atomic<int> running{threads};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      f(i);
      --running;
    });
  while (running > 0)
    look();
  for (auto& x : all)
    x.join();
}

} // namespace

TEST_CASE("a counter loses nothing that threads count at once", "[metrics]") {
  counter uut;
  std::uint64_t last = 0;
  auto grows = true;
  on_threads(
    [&](int) {
      for (std::uint64_t i = 0; i < rounds; ++i)
        uut.add();
      uut.add(5);
    },
    [&] {
      const auto now = uut.value();
      grows = grows && now >= last;
      last = now;
    });
  CHECK(grows);
  CHECK(uut.value() == threads * (rounds + 5));
}

TEST_CASE("a gauge ends where its steps lead", "[metrics]") {
  gauge uut;
  on_threads(
    [&](int number) {
      for (std::uint64_t i = 0; i < rounds; ++i)
        uut.add(number % 2 == 0 ? 2 : -1);
    },
    [&] { static_cast<void>(uut.value()); });
  CHECK(uut.value() == std::int64_t{rounds} * threads / 2);
  uut.set(-3);
  CHECK(uut.value() == -3);
}

TEST_CASE("a histogram loses nothing that threads record at once",
          "[metrics]") {
  histogram uut;
  on_threads(
    [&](int number) {
      for (std::uint64_t i = 0; i < rounds; ++i)
        uut.record(static_cast<std::uint64_t>(number) * 1'000 + i % 10);
    },
    [&] { REQUIRE(uut.counts().count() <= threads * rounds); });
  const auto counts = uut.counts();
  CHECK(counts.count() == threads * rounds);
  CHECK(counts.sum() == rounds * (6'000 + threads * 45 / 10));
}

TEST_CASE("a histogram takes times in nanoseconds", "[metrics]") {
  histogram uut;
  uut.record(1ms);
  uut.record(-1ms);
  CHECK(uut.counts().sum() == 1'000'000);
  CHECK(uut.counts().at(0) == 1);
}

TEST_CASE("the cells of threads are added up while they count", "[metrics]") {
  cell_group<some_cells> uut;
  REQUIRE(uut.infos().size() == 3);
  std::vector<metric_value> none(3);
  uut.sum(none);
  CHECK(none[0].value == 0);
  CHECK(none[2].histogram == nullptr);

  on_threads(
    [&](int number) {
      auto& own = uut.emplace_back();
      for (std::uint64_t i = 0; i < rounds; ++i) {
        own.jobs.add(1);
        own.open.add(number % 2 == 0 ? 1 : -1);
        own.sizes.record(8);
      }
    },
    [&] {
      std::vector<metric_value> sums(3);
      uut.sum(sums);
      REQUIRE(sums[0].value <= std::int64_t{threads * rounds});
    });
  std::vector<metric_value> sums(3);
  uut.sum(sums);
  CHECK(sums[0].value == std::int64_t{threads * rounds});
  CHECK(sums[1].value == 0);
  REQUIRE(sums[2].histogram != nullptr);
  CHECK(sums[2].histogram->count() == threads * rounds);
  CHECK(sums[2].histogram->sum() == 8 * threads * rounds);
  CHECK(uut.sum(&some_cells::jobs) == threads * rounds);
  CHECK(uut.sum(&some_cells::open) == 0);
  CHECK(uut.front().jobs.value() == rounds);
}

TEST_CASE("cells declare themselves in their order", "[metrics]") {
  const some_cells uut;
  REQUIRE(uut.declared().size() == 3);
  CHECK(uut.declared()[0].info.name == "jobs_total");
  CHECK(uut.declared()[0].info.kind == metric_kind::counter);
  CHECK(uut.declared()[1].info.name == "open_jobs");
  CHECK(uut.declared()[1].info.kind == metric_kind::gauge);
  CHECK(uut.declared()[2].info.kind == metric_kind::histogram);
  CHECK(uut.declared()[2].cell == &uut.sizes);
}
