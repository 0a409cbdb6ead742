// Regions whose number of shards is left open: each shard is made at the first change
// of one of its keys.

#include <troupe/backends/memory/shards/shard_map.hpp>

#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/turns/joint_turn.hpp>

#include "actors/plain/busy_threads.hpp"
#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct open_number_fixture {
  explicit open_number_fixture(const region_options& options = {})
    : uut(open_region("test", options, time, executor, loads)) {
    // nop
  }

  ~open_number_fixture() {
    CHECK(broken_table(*uut) == "");
    uut->stop();
  }

  [[nodiscard]] std::size_t made() const {
    return uut->provider().parts_made();
  }

  [[nodiscard]] std::size_t most() const {
    return uut->provider().part_count();
  }

  manual_clock time;
  std::shared_ptr<thread_executor> executor
    = std::make_shared<thread_executor>();
  std::shared_ptr<load_coordinator> loads
    = std::make_shared<load_coordinator>(time, 4);
  std::shared_ptr<region> uut;
};

/// A key that belongs to the shard with this number.
std::string key_in(region& where, std::size_t number) {
  for (int i = 0;; ++i)
    if (auto key = std::to_string(i); shard_of(where, key) == number)
      return key;
}

} // namespace

TEST_CASE("a shard is made when a key of it is changed first", "[made]") {
  open_number_fixture f;
  REQUIRE(f.most() > 2);
  CHECK(f.made() == 0);
  const auto key = key_in(*f.uut, 2);
  CHECK(f.uut->get(key)->has_value() == false);
  CHECK(f.uut->contains(key) == false);
  CHECK(f.uut->get(key_in(*f.uut, 0))->has_value() == false);
  CHECK(f.made() == 0);
  CHECK(f.uut->provider().part(0) == nullptr);
  CHECK(f.uut->provider().part(2) == nullptr);
  REQUIRE(f.uut->set(key, "v"));
  CHECK(f.made() == 1);
  CHECK(f.uut->provider().part(0) == nullptr);
  REQUIRE(f.uut->provider().part(2) != nullptr);
  CHECK(f.uut->provider().part(2)->name() == "test/shard-2");
  CHECK(**f.uut->get(key) == "v");
  CHECK(f.uut->size() == 1);
  REQUIRE(f.uut->provider().make_part(1));
  CHECK(f.made() == 2);
  REQUIRE(f.uut->set(key_in(*f.uut, 0), "v"));
  CHECK(f.made() == 3);
  REQUIRE(f.uut->provider().part(0) != nullptr);
  CHECK(f.uut->provider().part(0)->name() == "test/shard-0");
}

TEST_CASE("a region whose shards were not made answers every call", "[made]") {
  region_options options;
  options.namespaces = {{"a:", 0, 10, std::nullopt, 0}};
  open_number_fixture f{options};
  auto& x = *f.uut;
  const auto nothing = [](bytes_view, const entry_view&) { FAIL(); };
  std::minstd_rand random;
  for (const scan_cursor from : {scan_cursor{0}, scan_cursor{1} << 40})
    CHECK(x.scan(from, nothing) == scan_cursor{0});
  CHECK(x.random_key(random)->has_value() == false);
  CHECK(x.size() == 0);
  CHECK(x.stats().keys == 0);
  CHECK(x.ttl("k")->has_value() == false);
  CHECK(x.charge("k")->has_value() == false);
  CHECK(x.get_many(std::vector<bytes_view>{"k", "a:k"})->size() == 2);
  CHECK(x.clear());
  CHECK(x.clear_namespace("a:"));
  CHECK(x.invalidate_tag("t"));
  CHECK(x.set_limits(1 << 20, 1'000));
  CHECK(x.set_namespace_limits("a:", 0, 10));
  CHECK(x.obey_limits());
  CHECK(x.set_eviction(eviction_policy::none));
  static_cast<void>(x.tick());
  CHECK(f.made() == 0);
  CHECK(x.erase("k") == false);
  CHECK(x.touch("k", 1s) == false);
  CHECK(x.rename("k", "other") == transfer_result::absent);
  CHECK(x.get_or_set("k",
                     [](load_context&) {
                       return expected<std::optional<bytes>>{bytes{"loaded"}};
                     })
          ->value()
        == "loaded");
  CHECK(x.increment("a:n") == 1);
  CHECK(x.size() == 2);
}

TEST_CASE("the only shard of a small region is made when it is used first",
          "[made]") {
  region_options options;
  options.max_entries = 1;
  open_number_fixture f{options};
  REQUIRE(f.most() == 1);
  CHECK(f.made() == 0);
  CHECK(f.uut->get("k")->has_value() == false);
  REQUIRE(f.uut->set("k", "v"));
  CHECK(f.made() == 1);
  CHECK(**f.uut->get("k") == "v");
}

TEST_CASE("a number of shards that was asked for is made at once", "[made]") {
  region_options options;
  options.shards = 8;
  open_number_fixture f{options};
  CHECK(f.made() == 8);
}

TEST_CASE("keys are found in a region whose shards were made one by one",
          "[made]") {
  open_number_fixture f;
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(f.uut->set("k" + std::to_string(i), std::to_string(i)));
    REQUIRE(f.uut->size() == static_cast<std::size_t>(i) + 1);
  }
  CHECK(f.made() == f.most());
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(**f.uut->get("k" + std::to_string(i)) == std::to_string(i));
  int met = 0;
  scan_cursor next = 0;
  do {
    next = f.uut->scan(next, [&](bytes_view, const entry_view&) { ++met; })
             .value();
  } while (next != 0);
  CHECK(met == 1'000);
  REQUIRE(f.uut->clear());
  CHECK(f.uut->size() == 0);
}

TEST_CASE("what was told to all shards holds for those made later", "[made]") {
  open_number_fixture f;
  write_options how;
  how.tags = {"t"};
  REQUIRE(f.uut->set(key_in(*f.uut, 0), "v", how));
  REQUIRE(f.uut->invalidate_tag("t"));
  REQUIRE(f.uut->set_eviction(eviction_policy::none));
  REQUIRE(f.uut->set_limits(0, 2));
  REQUIRE(f.uut->set(key_in(*f.uut, 3), "v", how));
  CHECK(f.uut->size() <= 2);
  REQUIRE(f.uut->clear());
  REQUIRE(f.uut->set(key_in(*f.uut, 1), "v"));
  REQUIRE(f.uut->set(key_in(*f.uut, 2), "v"));
  CHECK(f.uut->set(key_in(*f.uut, 4), "v").error() == errc::limit_reached);
  f.uut->stop();
  CHECK(f.uut->set(key_in(*f.uut, 5), "v").error() == errc::shutting_down);
  CHECK(f.uut->get(key_in(*f.uut, 6)).error() == errc::shutting_down);
}

TEST_CASE("namespaces make their shards when they are used", "[made]") {
  region_options options;
  options.namespaces
    = {{"a:", 16 << 20, 0, std::nullopt, 0}, {"b:", 0, 1'000, std::nullopt, 0}};
  open_number_fixture f{options};
  CHECK(f.made() == 0);
  for (int i = 0; i < 300; ++i)
    for (const auto* space : {"a:", "b:", ""})
      REQUIRE(f.uut->set(space + std::to_string(i), space));
  CHECK(f.made() == f.most());
  for (int i = 0; i < 300; ++i)
    for (const auto* space : {"a:", "b:", ""})
      REQUIRE(**f.uut->get(space + std::to_string(i)) == space);
  CHECK(f.uut->namespaces()[0].keys == 300);
  REQUIRE(f.uut->clear_namespace("a:"));
  CHECK(f.uut->size() == 600);
}

TEST_CASE("a joint turn over all keys keeps out shards that were not there",
          "[made]") {
  open_number_fixture f;
  memory::joint_turn turn;
  turn.add_all(shards(*f.uut));
  CHECK(f.made() == f.most());
  REQUIRE(turn.begin());
  for (std::size_t i = 0; i < f.most(); ++i)
    CHECK(shard_at(*f.uut, i).mailbox().held_here());
}

TEST_CASE("shards are made once while many threads write, and nothing is lost",
          "[made]") {
  constexpr int threads = 4;
  constexpr int keys = 400;
  for (int round = 0; round < 100; ++round) {
    open_number_fixture f;
    std::atomic<int> wrong{0};
    auto key = [](int t, int i) {
      return std::to_string(t) + ":" + std::to_string(i);
    };
    crew(threads, [&](int t) {
      for (int i = 0; i < keys; ++i) {
        // Changes of all shards come in between.
        if (t == 0 && i % 16 == 0
            && !f.uut->set_eviction(i % 32 == 0 ? eviction_policy::clock
                                                : eviction_policy::none))
          ++wrong;
        if (f.uut->set(key(t, i), "v") != true)
          ++wrong;
        if (f.uut->contains(key(t, i)) != true)
          ++wrong;
      }
    });
    REQUIRE(wrong == 0);
    REQUIRE(f.uut->size() == threads * keys);
    REQUIRE(f.made() == f.most());
    REQUIRE(f.uut->eviction() == eviction_policy::clock);
    for (std::size_t i = 0; i < f.most(); ++i)
      REQUIRE(shard_at(*f.uut, i).store().entries().eviction()
              == eviction_policy::clock);
  }
}

TEST_CASE("shards that are being made end with their region", "[made]") {
  for (int round = 0; round < 100; ++round) {
    open_number_fixture f;
    std::atomic<int> wrong{0};
    crew(3, [&](int t) {
      if (t == 0) {
        f.uut->stop();
        return;
      }
      for (int i = 0; i < 200; ++i) {
        const auto done = f.uut->set(std::to_string(t * 1'000 + i), "v");
        if (!done && done.error() != errc::shutting_down)
          ++wrong;
      }
    });
    REQUIRE(wrong == 0);
    REQUIRE(f.uut->set("k", "v").error() == errc::shutting_down);
    REQUIRE(f.uut->get("k").error() == errc::shutting_down);
  }
}

TEST_CASE("a region that has nothing to do says so", "[made]") {
  open_number_fixture f;
  CHECK_FALSE(f.uut->tick());
  write_options how;
  how.ttl = 1s;
  REQUIRE(f.uut->set("k", "v", how));
  CHECK(f.uut->tick());
  f.time.advance(2s);
  while (f.uut->size() > 0)
    f.uut->tick();
  eventually([&] { return !f.uut->tick(); });
}
