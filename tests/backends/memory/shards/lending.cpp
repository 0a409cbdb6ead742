// What shards lend each other so that limits hold exactly and large entries fit.

#include <troupe/backends/memory/shards/lending.hpp>

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/turns/joint_turn.hpp>

#include "actors/plain/busy_threads.hpp"
#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using memory::budget;

namespace {

constexpr std::size_t mib = 1 << 20;

region_options limited(std::size_t bytes, std::size_t entries,
                       std::size_t shards,
                       eviction_policy policy = eviction_policy::s3_fifo) {
  region_options result;
  result.max_bytes = bytes;
  result.max_entries = entries;
  result.shards = shards;
  result.eviction = policy;
  return result;
}

std::string key_of(std::size_t i) {
  return "key:" + std::to_string(i);
}

std::size_t charged(const region& where) {
  return where.stats().charged;
}

// Every table has what it holds lent to it, and the lent is what the budgets say.
void check_books(region& where) {
  std::size_t lent = 0;
  for (auto* x : shards(where).all().made()) {
    auto& entries = x->store().entries();
    CHECK(entries.charged() <= entries.bytes_granted());
    CHECK(entries.size() <= entries.entries_granted());
    lent += entries.entries_granted();
  }
  CHECK(lent >= where.size());
}

} // namespace

TEST_CASE("a limit of entries is exact for any number of shards",
          "[lending][limits]") {
  for (std::size_t shards : {1, 4, 32})
    for (std::size_t limit : {1, 7, 10, 31, 100, 1'000})
      for (bool later : {false, true}) {
        INFO(limit << " entries in " << shards << " shards, later: " << later);
        region_fixture f{limited(0, later ? 0 : limit, shards)};
        if (later) {
          for (std::size_t i = 0; i < 3 * limit; ++i)
            REQUIRE(f.uut->set(key_of(i), "before"));
          REQUIRE(f.uut->set_limits(0, limit));
          CHECK(f.uut->size() == limit);
        }
        for (std::size_t i = 0; i < 3 * limit + 200; ++i) {
          REQUIRE(f.uut->set(key_of(i), "value"));
          if (f.uut->size() > limit)
            FAIL("there are " << f.uut->size());
          if (f.get(key_of(i)) != "value")
            FAIL("what was just stored is gone");
        }
        CHECK(f.uut->size() == limit);
        check_books(*f.uut);
      }
}

TEST_CASE("without eviction as many entries fit as the limit says",
          "[lending][limits]") {
  for (std::size_t shards : {1, 4, 32})
    for (std::size_t limit : {1, 7, 10, 31, 100, 1'000}) {
      INFO(limit << " entries in " << shards << " shards");
      region_fixture f{limited(0, limit, shards, eviction_policy::none)};
      for (std::size_t i = 0; i < limit; ++i)
        REQUIRE(f.uut->set(key_of(i), "value"));
      for (std::size_t i = limit; i < limit + 100; ++i)
        CHECK(f.uut->set(key_of(i), "value").error() == errc::limit_reached);
      CHECK(f.uut->size() == limit);
      REQUIRE(f.uut->erase(key_of(0)) == true);
      CHECK(f.uut->set("another", "value"));
      CHECK(f.uut->stats().evictions == 0);
    }
}

TEST_CASE("a limit of entries holds while many threads write",
          "[lending][limits]") {
  for (std::size_t shards : {4, 32})
    for (std::size_t limit : {1, 7, 31, 100}) {
      INFO(limit << " entries in " << shards << " shards");
      region_fixture f{limited(0, limit, shards)};
      std::atomic<std::size_t> most{0};
      std::atomic<int> failed{0};
      std::vector<std::thread> threads;
      for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
          std::minstd_rand random{t + 1};
          for (int i = 0; i < 3'000; ++i) {
            auto key = key_of(random() % 400);
            if (random() % 8 == 0)
              failed += f.uut->erase(key) ? 0 : 1;
            else
              failed += f.uut->set(key, "value") ? 0 : 1;
            // Of one shard: a sum over shards is taken at different moments, and
            // counts what moves from one to another meanwhile twice.
            auto now = f.shard_of(key).store().entries().size();
            auto before = most.load();
            while (now > before && !most.compare_exchange_weak(before, now)) {
            }
          }
        });
      for (auto& x : threads)
        x.join();
      CHECK(failed == 0);
      CHECK(most <= limit + 1);
      CHECK(f.uut->size() <= limit);
      check_books(*f.uut);
      // Later writes use all of it.
      for (std::size_t i = 0; i < 10 * limit; ++i)
        REQUIRE(f.uut->set(key_of(i), "value"));
      CHECK(f.uut->size() == limit);
    }
}

TEST_CASE("a cleared region has its whole limit again", "[lending][limits]") {
  region_fixture f{limited(0, 100, 32)};
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < 300; ++i)
      REQUIRE(f.uut->set(key_of(i), "value"));
    CHECK(f.uut->size() == 100);
    REQUIRE(f.uut->clear());
    CHECK(f.uut->size() == 0);
    REQUIRE(f.uut->set("one", "value"));
    CHECK(f.uut->size() == 1);
  }
}

TEST_CASE(
  "an entry of up to half of the limit fits, however many shards there are",
  "[lending][limits]") {
  constexpr std::size_t limit = 8 * mib;
  for (std::size_t shards : {1, 4, 32})
    for (bool later : {false, true})
      for (std::size_t size : {limit / 20, limit / 2 - 1'000}) {
        INFO(size << " bytes in " << shards << " shards, later: " << later);
        region_fixture f{limited(later ? 0 : limit, 0, shards)};
        for (std::size_t i = 0; i < 20'000; ++i)
          REQUIRE(f.uut->set(key_of(i), std::string(500, 'x')));
        if (later)
          REQUIRE(f.uut->set_limits(limit, 0));
        CHECK(charged(*f.uut) <= limit);
        auto own = f.shard_of("large").store().entries().size();
        REQUIRE(f.uut->set("large", std::string(size, 'y')));
        CHECK(f.get("large").size() == size);
        CHECK(charged(*f.uut) <= limit);
        // Its own shard gave no more of its entries than the others.
        auto left = f.shard_of("large").store().entries().size();
        auto part = 1.0 - static_cast<double>(size) / limit;
        CHECK(static_cast<double>(left)
              > 0.8 * part * static_cast<double>(own));
        // What is already there may grow to it, too.
        REQUIRE(f.uut->set("small", "x"));
        REQUIRE(f.uut->transform("small", [&](const entry_view*) {
          return expected<edit>{edit::replace("xx")};
        }));
        std::string text(size, 'z');
        REQUIRE(f.uut->transform("small", [&](const entry_view*) {
          return expected<edit>{edit::replace(text)};
        }));
        CHECK(f.get("small").size() == size);
        CHECK(charged(*f.uut) <= limit);
        check_books(*f.uut);
        auto refused = f.uut->set("large", std::string(limit / 2 + 1, 'y'));
        REQUIRE(!refused);
        CHECK(refused.error() == errc::value_too_large);
        CHECK(refused.error().text().find("max_bytes of region test")
              != std::string::npos);
        CHECK(refused.error().text().find(std::to_string(limit / 2))
              != std::string::npos);
      }
}

TEST_CASE("a loaded value of half of the limit is stored",
          "[lending][limits]") {
  constexpr std::size_t limit = 2 * mib;
  region_fixture f{limited(limit, 0, 32)};
  for (std::size_t i = 0; i < 10'000; ++i)
    REQUIRE(f.uut->set(key_of(i), std::string(500, 'x')));
  auto value = f.uut->get_or_set(
    "large", [](load_context&) { return bytes(limit / 2 - 1'000, 'y'); });
  REQUIRE(value);
  CHECK(f.get("large").size() == limit / 2 - 1'000);
  CHECK(charged(*f.uut) <= limit);
}

TEST_CASE("without eviction a large entry takes what no shard uses",
          "[lending][limits]") {
  constexpr std::size_t limit = 2 * mib;
  region_fixture f{limited(limit, 0, 32, eviction_policy::none)};
  for (std::size_t i = 0; i < 1'000; ++i)
    REQUIRE(f.uut->set(key_of(i), std::string(500, 'x')));
  CHECK(f.uut->set("large", std::string(mib - 1'000, 'y')));
  auto refused = f.uut->set("more", std::string(mib - 1'000, 'y'));
  CHECK(refused.error() == errc::limit_reached);
  CHECK(f.uut->stats().evictions == 0);
  CHECK(charged(*f.uut) <= limit);
}

TEST_CASE("a namespace takes entries of half of its own limit",
          "[lending][limits][namespaces]") {
  auto options = limited(8 * mib, 0, 16);
  options.namespaces
    = {{.prefix = "a:", .max_bytes = mib, .max_entries = 0, .shards = 8}};
  region_fixture f{options};
  for (std::size_t i = 0; i < 20'000; ++i) {
    REQUIRE(f.uut->set("a:" + key_of(i), std::string(300, 'x')));
    REQUIRE(f.uut->set(key_of(i), std::string(300, 'x')));
  }
  REQUIRE(f.uut->set("a:large", std::string(mib / 2 - 1'000, 'y')));
  auto refused = f.uut->set("a:more", std::string(mib / 2, 'y'));
  CHECK(refused.error() == errc::value_too_large);
  CHECK(refused.error().text().find("namespace a:") != std::string::npos);
  REQUIRE(f.uut->set("large", std::string(4 * mib - 1'000, 'y')));
  CHECK(f.uut->namespaces()[0].charged <= mib);
  CHECK(charged(*f.uut) <= 8 * mib);
}

TEST_CASE("regions under one limit lend each other", "[lending][limits]") {
  region_fixture f;
  auto lenders = std::make_shared<memory::region_lender>();
  auto all = std::make_shared<budget>(4 * mib, nullptr, "all");
  all->collect_from(lenders);
  auto open = [&](const char* name) {
    auto result
      = open_region(name, limited(0, 0, 16), f.time, f.executor, f.loads, all);
    lenders->add(memory_of(*result).shard_list());
    return result;
  };
  auto old = open("old");
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(old->set(key_of(i), std::string(300, 'x')));
  auto fresh = open("fresh");
  REQUIRE(fresh->set("large", std::string(2 * mib - 1'000, 'y')));
  CHECK(fresh->contains("large") == true);
  CHECK(charged(*old) + charged(*fresh) <= 4 * mib);
  std::set<std::size_t> used;
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(fresh->set(key_of(i), std::string(300, 'x')));
    used.insert(shard_of(*fresh, key_of(i)));
    if (charged(*old) + charged(*fresh) > 4 * mib)
      FAIL("more than the limit");
  }
  // No shard loses the entry that it got last to another one: the old region has
  // enough to give. More of them stay once the shard of the large entry evicts that.
  CHECK(fresh->size() >= used.size());
  CHECK(old->size() > 1'000);
  // One that has gone is not asked.
  old->stop();
  old = nullptr;
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(fresh->set(key_of(i), std::string(300, 'x')));
  CHECK(charged(*fresh) <= 4 * mib);
  CHECK(charged(*fresh) > 3 * mib);
  fresh->stop();
}

TEST_CASE("64 KiB are a limit for few shards and for many",
          "[lending][limits]") {
  constexpr std::size_t limit = 64 * 1024;
  for (std::size_t shards : {1, 4, 32})
    for (bool later : {false, true}) {
      INFO(shards << " shards, later: " << later);
      region_fixture f{limited(later ? 0 : limit, 0, shards)};
      write_options brief;
      brief.ttl = std::chrono::minutes{1};
      for (std::size_t i = 0; i < 3'000; ++i)
        REQUIRE(f.uut->set(key_of(i), "value", brief));
      if (later)
        REQUIRE(f.uut->set_limits(limit, 0));
      CHECK(charged(*f.uut) <= limit);
      for (std::size_t i = 0; i < 3'000; ++i) {
        REQUIRE(f.uut->set(key_of(i), std::string(i % 300, 'x'), brief));
        if (charged(*f.uut) > limit)
          FAIL("charged are " << charged(*f.uut));
      }
      CHECK(f.uut->size() > 50);
      // Blocks of this size are cut in steps of 4 KiB.
      REQUIRE(f.uut->set("large", std::string(28'000, 'y')));
      CHECK(f.get("large").size() == 28'000);
      CHECK(charged(*f.uut) <= limit);
      check_books(*f.uut);
    }
}

TEST_CASE("the least limit of bytes is that of the bookkeeping, now and later",
          "[lending][limits]") {
  for (std::size_t shards : {1, 32, 256}) {
    auto least = shards * defaults::least_bytes_per_shard;
    CHECK(check(limited(least, 0, shards)));
    CHECK(!check(limited(least - 1, 0, shards)));
    region_fixture f{limited(0, 0, shards)};
    for (std::size_t i = 0; i < 5'000; ++i)
      REQUIRE(f.uut->set(key_of(i), std::string(100, 'x')));
    auto refused = f.uut->set_limits(least - 1, 0);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().text().find(std::to_string(least))
          != std::string::npos);
    CHECK(f.uut->size() == 5'000);
    CHECK(f.uut->max_bytes() == 0);
    REQUIRE(f.uut->set_limits(least, 0));
    CHECK(charged(*f.uut) <= least);
    for (std::size_t i = 0; i < 1'000; ++i) {
      REQUIRE(f.uut->set(key_of(i), "x"));
      CHECK(f.get(key_of(i)) == "x");
      if (charged(*f.uut) > least)
        FAIL("charged are " << charged(*f.uut));
    }
  }
}

TEST_CASE("a region under a small limit chooses few shards",
          "[lending][limits]") {
  region_fixture f;
  auto shards_of = [&](std::size_t bytes, std::size_t entries) {
    auto uut = open_region("other", limited(bytes, entries, 0), f.time,
                           f.executor, f.loads);
    auto result = shard_count(*uut);
    uut->stop();
    return result;
  };
  CHECK(shards_of(64 * 1024, 0) == 1);
  CHECK(shards_of(16 * mib, 0) == 4);
  CHECK(shards_of(0, 10) == 1);
  CHECK(shards_of(0, 4'096) == 4);
  CHECK(shards_of(16 * mib, 2'048) == 2);
  CHECK(shards_of(0, 0) >= 16);
}

TEST_CASE("a joint turn may store what its other shards have to make room for",
          "[lending][limits]") {
  region_fixture f{limited(0, 3, 4)};
  std::vector<std::string> keys;
  for (std::size_t shard = 0; shard < 4; ++shard)
    for (std::size_t i = 0;; ++i)
      if (shard_of(*f.uut, key_of(i)) == shard) {
        keys.push_back(key_of(i));
        break;
      }
  for (int round = 0; round < 20; ++round) {
    memory::joint_turn turn;
    for (auto& x : keys)
      turn.add(shards(*f.uut), x);
    REQUIRE(turn.begin());
    for (auto& x : keys) {
      REQUIRE(f.uut->set(x, "value"));
      CHECK(f.uut->size() <= 3);
    }
    turn.end();
    CHECK(f.uut->size() == 3);
    CHECK(f.get(keys.back()) == "value");
  }
}

TEST_CASE("a shard that was busy gives in its next turn", "[lending][limits]") {
  region_fixture f{limited(0, 1, 2)};
  std::string first;
  std::string second;
  for (std::size_t i = 0; first.empty() || second.empty(); ++i)
    (shard_of(*f.uut, key_of(i)) == 0 ? first : second) = key_of(i);
  REQUIRE(f.uut->set(first, "value"));
  std::thread writer;
  in_turn(shard_at(*f.uut, 0), [&] {
    // From another thread, as this one runs the first shard's mailbox.
    writer = std::thread{
      [&] { CHECK_NOTHROW(static_cast<void>(f.uut->set(second, "value"))); }};
    writer.join();
  });
  // What had been asked for was given before that turn's runner went on.
  CHECK(f.uut->size() == 1);
  CHECK(f.get(second) == "value");
}

TEST_CASE("limits change while many threads write values of any size",
          "[lending][limits]") {
  region_fixture f{limited(4 * mib, 0, 32)};
  busy_threads users{*f.uut, 3'000, [](std::minstd_rand& random) {
                       return key_of(random() % 20'000);
                     }};
  std::minstd_rand random{7};
  std::string large(mib / 4, 'z');
  for (int round = 0; round < 150; ++round) {
    auto limit = mib >> (random() % 3);
    switch (random() % 5) {
      case 0:
        REQUIRE(f.uut->set_limits(limit, 0));
        break;
      case 1:
        REQUIRE(f.uut->set_limits(0, 1 + random() % 200));
        break;
      case 2:
        REQUIRE(f.uut->set_limits(limit, 1'000));
        break;
      case 3:
        REQUIRE(f.uut->set_eviction(random() % 2 == 0
                                      ? eviction_policy::clock
                                      : eviction_policy::s3_fifo));
        break;
      default:
        memory_of(*f.uut).rebalance();
        f.uut->tick();
    }
    auto stored = f.uut->set(
      "large", bytes_view{large}.substr(0, random() % large.size()));
    if (!stored && stored.error() != errc::value_too_large)
      FAIL(to_string(stored.error()));
  }
  CHECK(users.stop() <= 0);
  REQUIRE(f.uut->set_limits(mib, 500));
  CHECK(charged(*f.uut) <= mib);
  CHECK(f.uut->size() <= 500);
  for (std::size_t i = 0; i < 2'000; ++i) {
    REQUIRE(f.uut->set(key_of(i), "value"));
    if (f.uut->size() > 500 || charged(*f.uut) > mib)
      FAIL("over a limit");
  }
  check_books(*f.uut);
}

TEST_CASE("limits, policies and listeners change whatever the state of a shard",
          "[lending][limits]") {
  for (auto state :
       {memory::shard_state::restarting, memory::shard_state::failed}) {
    region_fixture f{limited(0, 0, 4)};
    for (std::size_t i = 0; i < 1'000; ++i)
      REQUIRE(f.uut->set(key_of(i), "value"));
    auto& down = shard_at(*f.uut, 2);
    if (state == memory::shard_state::failed)
      down.fail();
    else
      in_turn(down, [&] { down.down(); });
    REQUIRE(down.state() == state);
    CHECK(f.uut->set_limits(0, 100));
    CHECK(f.uut->size() == 100);
    CHECK(f.uut->max_entries() == 100);
    CHECK(f.uut->set_eviction(eviction_policy::none));
    CHECK(f.uut->eviction() == eviction_policy::none);
    CHECK(f.uut->on_removal([](const removal&) {}));
    CHECK(f.uut->on_removal({}));
    CHECK(f.uut->obey_limits());
    in_turn(down, [&] { down.up(); });
    CHECK(f.uut->set_eviction(eviction_policy::clock));
    CHECK(f.uut->size() <= 100);
  }
  // One that has been stopped refuses, and nothing has changed.
  region_fixture f{limited(0, 500, 4)};
  f.uut->stop();
  CHECK(f.uut->set_limits(0, 100).error() == errc::shutting_down);
  CHECK(f.uut->max_entries() == 500);
  CHECK(f.uut->set_eviction(eviction_policy::none).error()
        == errc::shutting_down);
  CHECK(f.uut->eviction() == eviction_policy::s3_fifo);
  CHECK(f.uut->on_removal([](const removal&) {}).error()
        == errc::shutting_down);
  CHECK(f.uut->obey_limits().error() == errc::shutting_down);
}
