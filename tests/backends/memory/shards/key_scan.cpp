#include <troupe/backends/memory/shards/key_scan.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct fixture : region_fixture {
  std::map<std::string, int> walk() {
    std::map<std::string, int> seen;
    scan_cursor next = 0;
    do
      next
        = uut
            ->scan(next, [&](bytes_view key,
                             const entry_view&) { ++seen[std::string{key}]; })
            .value();
    while (next != 0);
    return seen;
  }
};

} // namespace

TEST_CASE("a walk meets all keys of all shards", "[key_scan]") {
  fixture f;
  CHECK(f.walk().empty());
  for (int i = 0; i < 2'000; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  auto seen = f.walk();
  CHECK(seen.size() == 2'000);
  for (auto& [key, times] : seen)
    if (times != 1)
      FAIL("met " << times << " times: " << key);
}

TEST_CASE("a walk leaves out what has expired", "[key_scan]") {
  fixture f;
  REQUIRE(f.uut->set("gone", "x", {.ttl = 1s}));
  REQUIRE(f.uut->set("here", "x"));
  f.time.advance(1s);
  auto seen = f.walk();
  CHECK(seen.size() == 1);
  CHECK(seen.count("here") == 1);
}

TEST_CASE("any number is a cursor and leads to the end", "[key_scan]") {
  fixture f;
  for (int i = 0; i < 100; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  std::minstd_rand random{3};
  for (int bits = 1; bits <= 64; ++bits) {
    auto next = ~scan_cursor{0} >> (64 - bits);
    int steps = 0;
    do
      next = f.uut->scan(next, [](bytes_view, const entry_view&) {}).value();
    while (next != 0 && ++steps < 1'000);
    CHECK(next == 0);
  }
}

TEST_CASE("a random key is a live one", "[key_scan]") {
  fixture f;
  std::minstd_rand random{5};
  CHECK(f.uut->random_key(random).value() == std::nullopt);
  REQUIRE(f.uut->set("only", "x"));
  CHECK(f.uut->random_key(random).value() == bytes{"only"});
  std::set<bytes> drawn;
  for (int i = 0; i < 10; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x", {.ttl = 1s}));
  for (int i = 0; i < 1'000; ++i)
    drawn.insert(f.uut->random_key(random).value().value());
  CHECK(drawn.size() == 11);
  // Nothing was swept: the last key has to be found among the dead ones.
  for (int i = 0; i < 5'000; ++i)
    REQUIRE(f.uut->set("dead:" + std::to_string(i), "x", {.ttl = 1s}));
  f.time.advance(1s);
  CHECK(f.uut->random_key(random).value() == bytes{"only"});
  REQUIRE(f.uut->erase("only"));
  CHECK(f.uut->random_key(random).value() == std::nullopt);
}

TEST_CASE("a transform waits for the update lease of its key", "[region]") {
  region_fixture f;
  REQUIRE(f.uut->set("n", "0"));
  // Updates that lose races fall back on leases; no step may get lost.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        std::string next;
        auto ok = t % 2 == 0
                    ? f.uut
                        ->transform("n",
                                    [&](const entry_view* x) -> expected<edit> {
                                      next = std::to_string(
                                        std::stoi(std::string{x->value}) + 1);
                                      return edit::replace(next);
                                    })
                        .has_value()
                    : f.uut
                        ->update("n",
                                 [](std::optional<bytes_view> x)
                                   -> expected<std::optional<bytes>> {
                                   return std::to_string(
                                     std::stoi(std::string{*x}) + 1);
                                 })
                        .has_value();
        if (!ok)
          std::abort();
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(f.get("n") == "2000");
}

TEST_CASE("a transform is held to the limits of its region", "[region]") {
  region_options options;
  options.max_key_size = 4;
  options.max_value_size = 4;
  region_fixture f{options};
  auto store = [&](bytes_view key, bytes_view value, write_options how = {}) {
    auto done = f.uut->transform(key, [&](const entry_view*) {
      return expected<edit>{edit::store(value, how)};
    });
    return done ? errc::none : done.error().code();
  };
  CHECK(store("1234", "1234") == errc::none);
  CHECK(store("12345", "1") == errc::key_too_large);
  CHECK(store("1234", "12345") == errc::value_too_large);
  CHECK(store("1234", "1", {.ttl = 0ms}) == errc::invalid_argument);
  CHECK(f.get("1234") == "1234");
}
