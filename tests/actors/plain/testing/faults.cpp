#include <troupe/actors/testing/fault_plan.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/stand_alone.hpp>
#include <troupe/actors/testing/explore.hpp>
#include <troupe/actors/testing/guarded_provider.hpp>

#include "backends/core/thread_executor.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using troupe::testing::explore;
using troupe::testing::fault_plan;
using troupe::testing::guarded_factory;
using troupe::testing::provider_operation;
using troupe::testing::simulation;

namespace {

const error broken{errc::timeout, "the test says so"};

/// A region on a guarded provider, without a simulation.
struct guarded_region {
  guarded_region() {
    region_options options;
    options.shards = 4;
    options.provider = std::make_shared<guarded_factory>(plan);
    uut = open_alone("test", options, time, executor, loads).value();
  }

  ~guarded_region() {
    CHECK(loads->drain(std::chrono::steady_clock::now() + 30s).empty());
    uut->stop();
  }

  manual_clock time;
  std::vector<std::chrono::nanoseconds> slept;
  std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>(
    1, [this](std::chrono::nanoseconds x) { slept.push_back(x); });
  std::shared_ptr<thread_executor> executor
    = std::make_shared<thread_executor>();
  std::shared_ptr<load_coordinator> loads
    = std::make_shared<load_coordinator>(time, 4);
  std::shared_ptr<region> uut;
};

expected<std::optional<bytes>> load_v(load_context&) {
  return bytes{"v"};
}

} // namespace

TEST_CASE("a fault hits the calls that it names", "[testing]") {
  guarded_region f;
  REQUIRE(f.plan->add({.on = provider_operation::set,
                       .key = "k",
                       .skip = 1,
                       .times = 2,
                       .fails = broken}));
  CHECK(f.uut->set("k", "1"));
  CHECK(f.uut->set("other", "1"));
  CHECK(f.uut->set("k", "2").error() == errc::timeout);
  CHECK(f.uut->set("k", "3").error() == errc::timeout);
  CHECK(f.uut->get("k").value() == "1");
  CHECK(f.uut->set("k", "4"));
  CHECK(f.uut->get("k").value() == "4");
  CHECK(f.plan->hits() == 2);
}

TEST_CASE("a fault without an error only delays", "[testing]") {
  guarded_region f;
  REQUIRE(
    f.plan->add({.on = provider_operation::read, .times = 0, .delay = 5ms}));
  CHECK(!f.uut->get("k").value());
  CHECK(!f.uut->get("k").value());
  CHECK(f.slept == std::vector<std::chrono::nanoseconds>{5ms, 5ms});
  f.plan->clear();
  CHECK(!f.uut->get("k").value());
  CHECK(f.slept.size() == 2);
}

TEST_CASE("a share of a fault hits that share", "[testing]") {
  fault_plan plan{9};
  REQUIRE(plan.add({.times = 0, .percent = 30, .fails = broken}));
  for (int i = 0; i < 10'000; ++i)
    static_cast<void>(plan.before({provider_operation::read, "k"}));
  CHECK(plan.hits() > 2700);
  CHECK(plan.hits() < 3300);
}

TEST_CASE("wrong faults are refused", "[testing]") {
  fault_plan plan;
  CHECK(plan.add({.percent = 0}).error() == errc::invalid_argument);
  CHECK(plan.add({.percent = 101}).error() == errc::invalid_argument);
  CHECK(plan.add({.delay = -1ns}).error() == errc::invalid_argument);
}

TEST_CASE("a failed commit of a load ends its lease", "[testing]") {
  guarded_region f;
  REQUIRE(
    f.plan->add({.on = provider_operation::commit_load, .fails = broken}));
  const auto first = f.uut->get_or_load("k", load_v);
  CHECK(first.value.value() == "v");
  CHECK(first.fenced);
  CHECK(!f.uut->get("k").value());
  // The lease is free: this call loads.
  const auto second = f.uut->get_or_load("k", load_v);
  CHECK(second.origin == load_origin::loaded);
  CHECK(!second.fenced);
  CHECK(f.uut->get("k").value() == "v");
}

TEST_CASE("every call of a region reaches the guard", "[testing]") {
  guarded_region f;
  using op = provider_operation;
  const auto fails = [&](op which, auto call) {
    CAPTURE(name_of(which));
    f.plan->clear();
    REQUIRE(f.plan->add({.on = which, .times = 0, .fails = broken}));
    CHECK(call().error() == errc::timeout);
  };
  auto& uut = *f.uut;
  fails(op::read, [&] { return uut.get("k"); });
  fails(op::read_many, [&] {
    const std::vector<bytes_view> keys{"a", "b"};
    return uut.get_many(keys);
  });
  fails(op::set, [&] { return uut.set("k", "1"); });
  fails(op::compare_and_set,
        [&] { return uut.compare_and_set("k", no_version, "1"); });
  fails(op::erase, [&] { return uut.erase("k"); });
  fails(op::compare_and_erase, [&] { return uut.compare_and_erase("k", 1); });
  fails(op::touch, [&] { return uut.touch("k", 1s); });
  fails(op::increment, [&] { return uut.increment("k"); });
  fails(op::set_many, [&] {
    const std::vector<key_value> items{{"a", "1"}, {"b", "2"}};
    return uut.set_many(items);
  });
  fails(op::transform, [&] {
    return uut.transform(
      "k", [](const entry_view*) -> expected<edit> { return edit::keep(); });
  });
  fails(op::acquire_load, [&] { return uut.get_or_set("k", load_v); });
  fails(op::clear, [&] { return uut.clear(); });
  fails(op::invalidate_tag, [&] { return uut.invalidate_tag("t"); });
  f.plan->clear();
  CHECK(uut.size() == 0);
}

TEST_CASE("delays of providers take virtual time", "[testing]") {
  simulation sim{4};
  auto where = sim.open("test").value();
  REQUIRE(sim.faults().add({.on = provider_operation::set, .delay = 2s}));
  sim.task("writes", [&] {
    const auto start = sim.time().now();
    CHECK(where->set("k", "v"));
    CHECK(sim.time().now() == start + 2s);
  });
  sim.run();
}

TEST_CASE("loads survive every failure of the provider", "[testing]") {
  explore({1, 300}, [](simulation& sim) {
    auto where = sim.open("test", {.load_timeout = 50ms}).value();
    REQUIRE(sim.faults().add({.times = 0, .percent = 10, .fails = broken}));
    REQUIRE(sim.faults().add({.times = 0, .percent = 10, .delay = 30ms}));
    int answered = 0;
    for (const char* name : {"a", "b", "c"})
      sim.task(
        name, [&, on = sim.chance(50) ? load_on::pool : load_on::caller] {
          for (int i = 0; i < 3; ++i) {
            const auto value = where->get_or_set(
              "k",
              sim.flaky(load_v, {.fails = 10, .throws = 10, .longest = 70ms}),
              {}, {.on = on});
            sim.expect(value ? *value == "v"
                             : value.error() == errc::timeout
                                 || value.error() == errc::load_failed
                                 || value.error() == errc::load_timeout,
                       "a value or an error that was injected");
            ++answered;
            static_cast<void>(where->erase("k"));
          }
        });
    sim.run();
    CHECK(answered == 9);
  });
}
