// Namespaces: prefixes with limits of their own, in shards of their own.

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/turns/joint_turn.hpp>
#include <troupe/backends/memory/shards/key_scan.hpp>

#include "actors/plain/busy_threads.hpp"
#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::budget;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

namespace_options space(std::string prefix, std::size_t max_bytes,
                        std::size_t max_entries = 0, std::size_t shards = 4) {
  namespace_options result;
  result.prefix = std::move(prefix);
  result.max_bytes = max_bytes;
  result.max_entries = max_entries;
  result.shards = shards;
  return result;
}

region_options spaced(std::vector<namespace_options> namespaces) {
  region_options result;
  result.shards = 4;
  result.namespaces = std::move(namespaces);
  return result;
}

struct fixture : region_fixture {
  explicit fixture(region_options options)
    : region_fixture(std::move(options)) {
    // nop
  }

  explicit fixture(std::vector<namespace_options> namespaces)
    : region_fixture(spaced(std::move(namespaces))) {
    // nop
  }

  void fill(const std::string& prefix, std::size_t n, std::size_t size = 100) {
    const std::string value(size, 'x');
    for (std::size_t i = 0; i < n; ++i)
      REQUIRE(uut->set(prefix + std::to_string(i), value));
  }

  namespace_stats stats_of(std::string_view prefix) {
    for (auto& x : uut->namespaces())
      if (x.prefix == prefix)
        return x;
    FAIL("no namespace " << prefix);
    return {};
  }

  std::uint64_t evictions() {
    return uut->stats().evictions;
  }
};

error refusal(const expected<void>& x) {
  REQUIRE(!x);
  return x.error();
}

} // namespace

TEST_CASE("a key belongs to the longest prefix that it begins with",
          "[namespaces]") {
  fixture f{{space("user:", mib, 0, 2), space("user:eu:", mib, 0, 1),
             space("img:", mib, 0, 8), space("u", mib, 0, 1)}};
  // By number: 4 shards of other keys, then those of the namespaces in order.
  auto& uut = *f.uut;
  REQUIRE(shard_count(uut) == 4 + 2 + 1 + 8 + 1);
  auto within = [&](std::string_view key, std::size_t first, std::size_t n) {
    auto number = shard_of(uut, key);
    return number >= first && number < first + n;
  };
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    CHECK(within("other" + n, 0, 4));
    CHECK(within("user:" + n, 4, 2));
    CHECK(within("user:eu:" + n, 6, 1));
    CHECK(within("user:eus" + n, 4, 2));
    CHECK(within("img:" + n, 7, 8));
    CHECK(within("uncle" + n, 15, 1));
  }
  CHECK(within("", 0, 4));
  CHECK(within("img", 0, 4));
  CHECK(within("img:", 7, 8));
  CHECK(within("user:eu:", 6, 1));
  for (auto* key : {"other", "user:1", "user:eu:1", "img:1", "u"}) {
    CHECK(uut.set(key, key) == true);
    CHECK(f.get(key) == key);
  }
  CHECK(f.stats_of("user:").keys == 1);
  CHECK(f.stats_of("user:eu:").keys == 1);
  CHECK(uut.size() == 5);
  CHECK(uut.erase("user:eu:1") == true);
  CHECK(f.stats_of("user:eu:").keys == 0);
}

TEST_CASE("a full namespace evicts its own keys and no others",
          "[namespaces][limits]") {
  fixture f{{space("a:", mib), space("b:", mib)}};
  f.fill("a:", 1'000);
  f.fill("other:", 1'000);
  f.fill("b:", 50'000);
  for (int i = 0; i < 50; ++i)
    memory_of(*f.uut).rebalance();
  auto full = f.stats_of("b:");
  CHECK(full.charged <= mib);
  CHECK(full.charged > mib / 10 * 9);
  CHECK(full.evictions > 10'000);
  CHECK(f.stats_of("a:").keys == 1'000);
  CHECK(f.stats_of("a:").evictions == 0);
  CHECK(f.uut->size() == 2'000 + full.keys);
  CHECK(f.evictions() == full.evictions);
}

TEST_CASE("a limit of entries holds for a namespace alone",
          "[namespaces][limits]") {
  fixture f{{space("a:", 0, 100, 1), space("b:", 0, 2'000, 1)}};
  f.fill("a:", 5'000);
  f.fill("b:", 2'000);
  f.fill("other:", 5'000);
  CHECK(f.stats_of("a:").keys == 100);
  CHECK(f.stats_of("b:").keys == 2'000);
  CHECK(f.uut->size() == 7'100);
}

TEST_CASE("a namespace at its own limit takes nothing from a full region",
          "[namespaces][limits]") {
  // The region is full of other keys, and so is the namespace; what is written
  // to the namespace must not cost the others anything, now or when the shards
  // are balanced.
  auto options = spaced({space("a:", mib)});
  options.max_bytes = 4 * mib;
  fixture f{options};
  f.fill("a:", 20'000);
  f.fill("other:", 100'000);
  // What the namespace did not use, the others have taken: it gets that back first.
  for (int i = 0; i < 50; ++i) {
    f.fill("a:first:", 2'000);
    memory_of(*f.uut).rebalance();
  }
  CHECK(f.stats_of("a:").charged > mib / 100 * 95);
  auto before = f.evictions() - f.stats_of("a:").evictions;
  auto others = f.uut->size() - f.stats_of("a:").keys;
  for (int i = 0; i < 50; ++i) {
    f.fill("a:more:", 2'000);
    memory_of(*f.uut).rebalance();
  }
  CHECK(f.evictions() - f.stats_of("a:").evictions == before);
  CHECK(f.uut->size() - f.stats_of("a:").keys == others);
  CHECK(f.stats_of("a:").charged <= mib);
}

TEST_CASE("the limit of the region holds for its namespaces together",
          "[namespaces][limits]") {
  auto options = spaced({space("a:", 8 * mib), space("b:", 8 * mib)});
  options.max_bytes = 2 * mib;
  fixture f{options};
  f.fill("a:", 30'000);
  f.fill("b:", 30'000);
  f.fill("other:", 30'000);
  CHECK(f.uut->stats().charged <= 2 * mib);
  // The last ones came to a full house; rebalancing gets them their part.
  auto before = f.stats_of("b:").charged;
  for (int i = 0; i < 200; ++i) {
    f.fill("b:", 5'000);
    memory_of(*f.uut).rebalance();
  }
  CHECK(f.stats_of("b:").charged > before + mib / 4);
  CHECK(f.uut->stats().charged <= 2 * mib);
  // A lower one, at once.
  REQUIRE(f.uut->set_limits(mib, 0));
  CHECK(f.uut->stats().charged <= mib);
}

TEST_CASE("the limit of the runtime holds for namespaces, too",
          "[namespaces][limits]") {
  auto parent = std::make_shared<budget>(mib);
  fixture f{std::vector<namespace_options>{}};
  auto uut = open_region("other", spaced({space("a:", 8 * mib)}), f.time,
                         f.executor, f.loads, parent);
  for (std::size_t i = 0; i < 40'000; ++i)
    REQUIRE(
      uut->set((i % 2 == 0 ? "a:" : "other:") + std::to_string(i), "value"));
  CHECK(uut->stats().charged <= mib);
  CHECK(uut->stats().charged > mib / 10 * 9);
  CHECK(parent->lent() <= mib);
  parent->set_limit(mib / 2);
  CHECK(uut->obey_limits(parent->part_of(uut->stats().charged)));
  CHECK(uut->stats().charged <= mib / 2);
  CHECK(parent->lent() <= mib / 2);
  uut->stop();
}

TEST_CASE("the least limit of a namespace is that of its shards",
          "[namespaces][limits]") {
  fixture f{{space("a:", mib, 500)}};
  auto little = refusal(f.uut->set_namespace_limits("a:", 4 * 1024 - 1, 0));
  CHECK(little == errc::invalid_argument);
  CHECK(little.text().find("4096") != std::string::npos);
  CHECK(f.stats_of("a:").max_bytes == mib);
  CHECK(f.stats_of("a:").max_entries == 500);
  CHECK(f.uut->set_namespace_limits("a:", 4 * 1024, 0));
}

TEST_CASE(
  "a namespace that may choose makes as many shards as its limit carries",
  "[namespaces]") {
  region_options options
    = spaced({space("tiny:", mib, 0, 0), space("small:", 9 * mib, 0, 0),
              space("large:", 64 * mib, 0, 0), space("few:", 0, 2'500, 0)});
  options.shards = 8;
  fixture f{options};
  CHECK(f.stats_of("tiny:").shards == 1);
  CHECK(f.stats_of("small:").shards == 2);
  CHECK(f.stats_of("large:").shards == 8);
  CHECK(f.stats_of("few:").shards == 2);
  CHECK(shard_count(*f.uut) == 8 + 1 + 2 + 8 + 2);
}

TEST_CASE("many namespaces have fewer shards each", "[namespaces]") {
  auto shards_of_one_of = [](int n) {
    std::vector<namespace_options> all;
    for (int i = 0; i < n; ++i)
      all.push_back(space("n" + std::to_string(i) + ":", 64 * mib, 0, 0));
    region_options options = spaced(std::move(all));
    options.shards = 16;
    return fixture{options}.uut->namespaces().back().shards;
  };
  CHECK(shards_of_one_of(1) == 16);
  CHECK(shards_of_one_of(4) == 16);
  CHECK(shards_of_one_of(5) == 8);
  CHECK(shards_of_one_of(9) == 4);
  CHECK(shards_of_one_of(64) == 4);
}

TEST_CASE("a cursor of any namespace fits 53 bits", "[namespaces][key_scan]") {
  std::vector<namespace_options> most;
  for (std::size_t i = 0; i < defaults::max_namespaces; ++i)
    most.push_back(space("n" + std::to_string(i) + ":", mib, 0,
                         i == 0 ? defaults::max_namespace_shards : 1));
  fixture f{most};
  CHECK(shard_count(*f.uut) == 4 + 64 + 63);
  f.fill("n63:", 50);
  std::size_t seen = 0;
  scan_cursor next = 0;
  do {
    next = f.uut->scan(next, [&](bytes_view, const entry_view&) { ++seen; })
             .value();
    CHECK(next < scan_cursor{1} << 53);
  } while (next != 0);
  CHECK(seen == 50);
}

TEST_CASE("a joint turn holds keys of several namespaces",
          "[namespaces][joint]") {
  fixture f{{space("a:", mib), space("b:", mib)}};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      // In opposite orders, so that turns that entered in that of the keys would
      // wait for each other.
      const char* keys[] = {"a:k", "b:k", "other"};
      for (int i = 0; i < 2'000; ++i) {
        memory::joint_turn turn;
        for (int k = 0; k < 3; ++k)
          turn.add(shards(*f.uut), keys[t == 0 ? k : 2 - k]);
        if (!turn.begin() || !f.uut->increment("a:k", -1)
            || !f.uut->increment("b:k", 2) || !f.uut->increment("other", -1))
          ++failed;
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(failed == 0);
  CHECK(f.get("a:k") == "-4000");
  CHECK(f.get("b:k") == "8000");
  CHECK(f.get("other") == "-4000");
  // And all of them.
  memory::joint_turn all;
  all.add_all(shards(*f.uut));
  REQUIRE(all.begin());
  CHECK(f.uut->clear());
  all.end();
  CHECK(f.uut->size() == 0);
}

TEST_CASE("nothing that moves between namespaces escapes a clear",
          "[namespaces][joint]") {
  fixture f{{space("a:", mib), space("b:", mib)}};
  std::atomic<bool> stop{false};
  std::thread mover{[&] {
    while (!stop) {
      static_cast<void>(f.uut->rename("a:k", "b:k", false));
      static_cast<void>(f.uut->rename("b:k", "a:k", false));
    }
  }};
  auto escaped = 0;
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(f.uut->set("a:k", "v"));
    REQUIRE(f.uut->set("b:k", "v"));
    REQUIRE(f.uut->clear());
    if (f.get("a:k") != "<none>" || f.get("b:k") != "<none>")
      ++escaped;
  }
  stop = true;
  mover.join();
  CHECK(escaped == 0);
}

TEST_CASE("a namespace's shard restarts alone and keeps its keys",
          "[namespaces]") {
  fixture f{{space("a:", mib, 0, 1)}};
  REQUIRE(f.uut->set("a:k", "x"));
  auto& absent = f.shard_of("a:k");
  in_turn(absent, [&] { absent.down(); });
  CHECK(f.get("a:k") == "x");
  auto waiting = set_async(*f.uut, "a:k", "y");
  CHECK(waiting.wait_for(0s) == std::future_status::timeout);
  CHECK(f.uut->set("other", "x") == true);
  in_turn(absent, [&] { absent.up(); });
  CHECK(waiting.get() == true);
  CHECK(f.get("a:k") == "y");
  // For good: the namespace is lost to writers, but can be cleared.
  absent.fail();
  CHECK(f.uut->set("a:k", "z").error() == errc::shard_down);
  CHECK(f.uut->clear_namespace("a:"));
  CHECK(f.get("a:k") == "<none>");
  // Its limits hold for what it has all the same.
  CHECK(f.uut->set_namespace_limits("a:", mib / 2, 0));
  CHECK(f.uut->set("other", "y") == true);
}

TEST_CASE("many threads write to namespaces while limits change",
          "[namespaces][limits]") {
  auto options = spaced({space("a:", mib), space("b:", mib)});
  options.max_bytes = 2 * mib;
  fixture f{options};
  busy_threads users{*f.uut, 300, [](std::minstd_rand& random) {
                       return std::string{"abc"[random() % 3]} + ":"
                              + std::to_string(random() % 20'000);
                     }};
  for (unsigned round = 0; round < 30; ++round) {
    REQUIRE(f.uut->set_namespace_limits("a:", mib >> (round % 3), 0));
    REQUIRE(f.uut->set_limits((2 * mib) >> (round % 2), 0));
    if (round % 10 == 9)
      REQUIRE(f.uut->clear_namespace("b:"));
    for (int i = 0; i < 30; ++i) {
      memory_of(*f.uut).rebalance();
      f.uut->tick();
    }
  }
  CHECK(users.stop() == 0);
  REQUIRE(f.uut->set_namespace_limits("a:", mib / 2, 0));
  REQUIRE(f.uut->set_limits(mib, 0));
  CHECK(f.stats_of("a:").charged <= mib / 2);
  CHECK(f.uut->stats().charged <= mib);
}
