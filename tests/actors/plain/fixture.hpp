#pragma once

#include <memory>
#include <string>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/clock.hpp>

#include "backends/core/thread_executor.hpp"
#include "catch.hpp"
#include "progress.hpp"
#include "region_shards.hpp"

/// Runs `f` in the shard's turn, as its actor would.
template <class F>
void in_turn(troupe::memory::shard& where, F f) {
  auto task = [&]() noexcept { f(); };
  where.mailbox().run(task);
}

/// A region without the runtime, on a clock that the test owns.
struct region_fixture {
  explicit region_fixture(troupe::region_options options = {},
                          std::size_t loader_threads = 128)
    : loads(std::make_shared<troupe::load_coordinator>(time, loader_threads)) {
    if (options.shards == 0)
      options.shards = 4;
    uut = open_region("test", options, time, executor, loads);
  }

  // Every test ends with a look at the tables' structure.
  ~region_fixture() {
    auto stuck = loads->drain(std::chrono::steady_clock::now()
                              + std::chrono::seconds{30});
    CHECK(stuck.empty());
    CHECK(broken_table(*uut) == "");
    uut->stop();
  }

  std::string get(std::string_view key) {
    auto value = uut->get(key);
    REQUIRE(value);
    return value->value_or("<none>");
  }

  troupe::memory::shard& shard_of(std::string_view key) {
    return shard_at(*uut, ::shard_of(*uut, key));
  }

  troupe::manual_clock time;
  std::shared_ptr<thread_executor> executor
    = std::make_shared<thread_executor>();
  std::shared_ptr<troupe::load_coordinator> loads;
  std::shared_ptr<troupe::region> uut;
};
