// Limits across the shards of a region.

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
      memory_of(*f.uut).rebalance();
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
      memory_of(*f.uut).rebalance();
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
      memory_of(*f.uut).rebalance();
      CHECK(f.uut->size() <= 1'000);
    }
  }
  CHECK(f.uut->size() > 900);
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
  std::vector<memory::shard*> both;
  for (auto* where : {&shards(*calm), &shards(*busy)}) {
    const auto made = where->all().made();
    both.insert(both.end(), made.begin(), made.end());
  }
  memory::rebalancer uut;
  for (std::size_t i = 0; i < 100'000; ++i) {
    REQUIRE(busy->set(key_of(i), "value"));
    if (i % 1'000 == 0)
      uut.look(both, *parent, nullptr);
  }
  CHECK(busy->stats().evictions > 10'000);
  CHECK(calm->stats().evictions == 0);
  CHECK(calm->size() == 20'000);
  busy->stop();
  calm->stop();
}

TEST_CASE("a batch of writes is one turn for each shard", "[region]") {
  region_fixture f;
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
  CHECK(f.get(keys[7]) == "later");
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
      memory_of(*f.uut).rebalance();
      f.uut->tick();
    }
  }
  REQUIRE(f.uut->set_limits(limit, 0));
  CHECK(users.stop() == 0);
  CHECK(f.uut->stats().charged <= limit);
}
