// Limits across the shards of a region.

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "actors/plain/busy_threads.hpp"
#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using memory::budget;

namespace {

region_options limited(std::size_t bytes, std::size_t entries,
                       std::size_t shards = 16) {
  region_options result;
  result.max_bytes = bytes;
  result.max_entries = entries;
  result.shards = shards;
  return result;
}

std::string key_of(std::size_t i) {
  return "key:" + std::to_string(i);
}

} // namespace

TEST_CASE("a region keeps its limit of bytes over all shards",
          "[region][limits]") {
  constexpr std::size_t limit = 4 << 20;
  region_fixture f{limited(limit, 0)};
  std::minstd_rand random{5};
  std::string filler(100'000, 'x');
  for (int i = 0; i < 40'000; ++i) {
    auto size = random() % (std::size_t{1} << (random() % 17));
    auto stored = f.uut->set(key_of(random() % 30'000),
                             bytes_view{filler}.substr(0, size));
    if (!stored)
      FAIL(to_string(stored.error()));
    if (i % 100 == 0) {
      f.uut->memory()->rebalance();
      auto charged = f.uut->stats().charged;
      if (charged > limit)
        FAIL("charged are " << charged);
    }
  }
  auto stats = f.uut->stats();
  CHECK(stats.evictions > 1'000);
  CHECK(stats.charged > limit / 4 * 3);
}

TEST_CASE("what one shard does not need, others may use", "[region][limits]") {
  // All keys lie in two of the shards.
  constexpr std::size_t limit = 1 << 20;
  region_fixture f{limited(limit, 0, 8)};
  std::size_t stored = 0;
  for (std::size_t i = 0; stored < 60'000; ++i) {
    auto key = key_of(i);
    if (shard_of(*f.uut, key) > 1)
      continue;
    REQUIRE(f.uut->set(key, "value"));
    ++stored;
  }
  auto stats = f.uut->stats();
  CHECK(stats.charged <= limit);
  CHECK(stats.charged > limit / 10 * 9);
}

TEST_CASE("shards that need more get it from those that need less",
          "[region][limits]") {
  constexpr std::size_t limit = 1 << 20;
  region_fixture f{limited(limit, 0, 4)};
  // First all shards are filled alike, then only one is written to.
  for (std::size_t i = 0; i < 40'000; ++i)
    REQUIRE(f.uut->set(key_of(i), "value"));
  auto before = shard_at(*f.uut, 0).store().entries().charged();
  for (std::size_t i = 40'000; i < 400'000; ++i) {
    auto key = key_of(i);
    if (shard_of(*f.uut, key) != 0)
      continue;
    REQUIRE(f.uut->set(key, "value"));
    if (i % 50 == 0)
      f.uut->memory()->rebalance();
  }
  auto after = shard_at(*f.uut, 0).store().entries().charged();
  CHECK(after > 2 * before);
  CHECK(f.uut->stats().charged <= limit);
}

TEST_CASE("a limit of entries holds for the region", "[region][limits]") {
  region_fixture f{limited(0, 1'000)};
  for (std::size_t i = 0; i < 20'000; ++i) {
    REQUIRE(f.uut->set(key_of(i), "value"));
    if (i % 100 == 0) {
      f.uut->memory()->rebalance();
      CHECK(f.uut->size() <= 1'000);
    }
  }
  CHECK(f.uut->size() > 900);
}

TEST_CASE("limits and policy change while the region is in use",
          "[region][limits]") {
  region_fixture f;
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(f.uut->set(key_of(i), "value"));
  CHECK(f.uut->max_bytes() == 0);
  CHECK(f.uut->set_limits(500'000, 0));
  CHECK(f.uut->max_bytes() == 500'000);
  CHECK(f.uut->stats().charged <= 500'000);
  CHECK(f.uut->set_limits(0, 100));
  CHECK(f.uut->size() <= 100);
  CHECK(f.uut->set_limits(0, 0));
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(f.uut->set(key_of(i), "value"));
  CHECK(f.uut->size() == 20'000);
  CHECK(f.uut->set_eviction(eviction_policy::none));
  CHECK(f.uut->eviction() == eviction_policy::none);
  CHECK(f.uut->set_limits(0, 20'000));
  auto refused = f.uut->set("one more", "value");
  REQUIRE(!refused);
  CHECK(refused.error() == errc::limit_reached);
  CHECK(f.get("one more") == "<none>");
  auto bad = f.uut->set_limits(10, 0);
  REQUIRE(!bad);
  CHECK(bad.error() == errc::invalid_argument);
  CHECK(f.uut->max_entries() == 20'000);
}

TEST_CASE(
  "a value larger than half of the limit is refused with what is allowed",
  "[region][limits]") {
  region_fixture f{limited(1 << 20, 0, 4)};
  REQUIRE(f.uut->set("small", "value"));
  auto refused = f.uut->set("large", std::string(600'000, 'x'));
  REQUIRE(!refused);
  CHECK(refused.error() == errc::value_too_large);
  CHECK(refused.error().text().find("524288") != std::string::npos);
  CHECK(f.uut->set("fits", std::string(500'000, 'x')));
  CHECK(f.get("small") == "value");
}

TEST_CASE("a region of a runtime's limit takes what is left of it",
          "[region][limits]") {
  auto parent = std::make_shared<budget>(1 << 20);
  region_fixture f;
  region_options options;
  options.shards = 4;
  auto uut = open_region("other", options, f.time, f.executor, f.loads, parent);
  for (std::size_t i = 0; i < 40'000; ++i)
    REQUIRE(uut->set(key_of(i), "value"));
  CHECK(uut->stats().charged <= 1 << 20);
  CHECK(parent->lent() <= 1 << 20);
  parent->set_limit(1 << 19);
  CHECK(uut->obey_limits(parent->part_of(uut->stats().charged)));
  CHECK(uut->stats().charged <= 1 << 19);
  CHECK(parent->lent() <= 1 << 19);
  uut->stop();
}

TEST_CASE("a region at its own limit makes no other region yield",
          "[region][limits]") {
  auto parent = std::make_shared<budget>(8 << 20);
  region_fixture f;
  auto open = [&](const char* name, std::size_t max_bytes) {
    return open_region(name, limited(max_bytes, 0, 4), f.time, f.executor,
                       f.loads, parent);
  };
  auto calm = open("calm", 0);
  auto busy = open("busy", 1 << 20);
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(calm->set(key_of(i), "value"));
  auto both = shards(*calm).all();
  both.insert(both.end(), shards(*busy).begin(), shards(*busy).end());
  memory::rebalancer uut;
  const std::vector<const budget*> shared{parent.get()};
  for (std::size_t i = 0; i < 100'000; ++i) {
    REQUIRE(busy->set(key_of(i), "value"));
    if (i % 1'000 == 0)
      uut.look(both, shared);
  }
  CHECK(busy->stats().evictions > 10'000);
  CHECK(calm->stats().evictions == 0);
  CHECK(calm->size() == 20'000);
  busy->stop();
  calm->stop();
}

TEST_CASE("a batch of writes is one turn for each shard", "[region]") {
  region_options options;
  options.shards = 4;
  options.max_value_size = 1'000;
  region_fixture f{options};
  std::vector<std::string> keys;
  std::vector<key_value> items;
  for (std::size_t i = 0; i < 1'000; ++i)
    keys.push_back(key_of(i));
  for (auto& x : keys)
    items.push_back({x, x});
  items.push_back({keys[7], "later"});
  auto before = f.uut->stats().handled;
  REQUIRE(f.uut->set_many(items));
  CHECK(f.uut->stats().handled == before + 4);
  CHECK(f.uut->size() == 1'000);
  CHECK(f.get(keys[7]) == "later");
  CHECK(f.get(keys[8]) == keys[8]);
  CHECK(f.uut->set_many({}));
  // What is wrong with one is told before any is stored.
  std::string large(1'001, 'x');
  std::vector<key_value> bad{{"fresh", "x"}, {"large", large}};
  auto refused = f.uut->set_many(bad);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::value_too_large);
  CHECK(f.get("fresh") == "<none>");
  write_options how;
  how.condition = write_condition::if_absent;
  refused = f.uut->set_many(items, how);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::invalid_argument);
}

TEST_CASE("the jitter that entries were given is uniform", "[region]") {
  region_options options;
  options.ttl = std::chrono::minutes{10};
  options.jitter = 0.2;
  region_fixture f{options};
  constexpr std::size_t n = 32'000;
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(f.uut->set(key_of(i), "x"));
  auto counts = f.uut->jitter_histogram();
  CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == n);
  // 2,000 in each slot, with a standard deviation of 43.
  for (auto x : counts)
    CHECK((x > 1'700 && x < 2'300));
  // Without jitter nothing is counted.
  write_options how;
  how.jitter = 0.0;
  REQUIRE(f.uut->set("exact", "x", how));
  CHECK(f.uut->jitter_histogram() == counts);
}

TEST_CASE("many threads write, read and change limits at once",
          "[region][limits]") {
  constexpr std::size_t limit = 2 << 20;
  region_fixture f{limited(limit, 0)};
  busy_threads users{*f.uut, 500, [](std::minstd_rand& random) {
                       return key_of(random() % 50'000);
                     }};
  for (int round = 0; round < 40; ++round) {
    REQUIRE(f.uut->set_limits(limit >> (round % 3), 0));
    for (int i = 0; i < 50; ++i) {
      f.uut->memory()->rebalance();
      f.uut->tick();
    }
  }
  REQUIRE(f.uut->set_limits(limit, 0));
  CHECK(users.stop() == 0);
  CHECK(f.uut->stats().charged <= limit);
}
