// What a region answers after its runtime has ended: always `shutting_down`.

#include <troupe/backends/memory/shards/key_scan.hpp>
#include <troupe/actors/regions/region.hpp>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

template <class T>
errc code_of(const expected<T>& x) {
  return x ? errc::none : x.error().code();
}

/// Each read of `key`, with its name.
template <class F>
void for_each_read(region& x, bytes_view key, F f) {
  const std::array<bytes_view, 2> keys{key, "other"};
  std::minstd_rand random{1};
  auto nothing = [](auto&&...) {};
  f("visit", code_of(x.visit(key, nothing)));
  f("peek", code_of(x.visit(key, nothing, lookup::peek)));
  f("visit_many", code_of(x.visit_many(keys, nothing)));
  f("get", code_of(x.get(key)));
  f("get_many", code_of(x.get_many(keys)));
  f("contains", code_of(x.contains(key)));
  f("ttl", code_of(x.ttl(key)));
  f("charge", code_of(x.charge(key)));
  f("get_or_set", code_of(x.get_or_set(key, [](load_context&) {
      return expected<bytes>{"loaded"};
    })));
  f("scan_bucket", code_of(scan_bucket(x, 0, nothing)));
  f("random_key", code_of(random_key(x, random)));
}

} // namespace

TEST_CASE("a stopped region answers no read with what it held",
          "[region][stopped]") {
  region_options options;
  options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 0}};
  region_fixture f{options};
  for (auto* key : {"plain", "a:key"})
    for (auto ttl : {no_expiry, ttl_duration{1h}}) {
      REQUIRE(f.uut->set(key, "v", {.ttl = ttl}));
      for_each_read(*f.uut, key, [](const char* read, errc code) {
        INFO(read);
        CHECK(code == errc::none);
      });
    }
  REQUIRE(f.uut->set("idle", "v", {.idle = 1h}));
  REQUIRE(f.uut->set("tagged", "v", {.tags = {"t"}}));
  REQUIRE(f.uut->set(std::string(100, 'k'), "long key"));
  CHECK(f.uut->check_running());
  f.uut->stop();
  CHECK(code_of(f.uut->check_running()) == errc::shutting_down);
  for (const auto& key :
       {std::string{"plain"}, std::string{"a:key"}, std::string{"idle"},
        std::string{"tagged"}, std::string{"absent"}, std::string(100, 'k')})
    for_each_read(*f.uut, key, [&](const char* read, errc code) {
      INFO(read << " of " << key);
      CHECK(code == errc::shutting_down);
    });
  CHECK(f.uut->get("plain").error().text().find("test") != std::string::npos);
  CHECK(f.uut->size() == 0);
}

TEST_CASE("a stopped region changes nothing and runs no function",
          "[region][stopped]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "1"));
  f.uut->stop();
  CHECK(code_of(f.uut->set("k", "2")) == errc::shutting_down);
  CHECK(code_of(f.uut->erase("k")) == errc::shutting_down);
  CHECK(code_of(f.uut->increment("k")) == errc::shutting_down);
  CHECK(code_of(f.uut->touch("k", 1s)) == errc::shutting_down);
  CHECK(code_of(f.uut->clear()) == errc::shutting_down);
  CHECK(code_of(f.uut->invalidate_tag("t")) == errc::shutting_down);
  auto calls = 0;
  CHECK(code_of(f.uut->update(
          "k",
          [&](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
            ++calls;
            return bytes{"3"};
          }))
        == errc::shutting_down);
  CHECK(code_of(f.uut->transform("k",
                                 [&](const entry_view*) {
                                   ++calls;
                                   return expected<edit>{edit::erase()};
                                 }))
        == errc::shutting_down);
  CHECK(code_of(f.uut->get_or_set("absent",
                                  [&](load_context&) {
                                    ++calls;
                                    return expected<bytes>{"loaded"};
                                  }))
        == errc::shutting_down);
  CHECK(calls == 0);
}

TEST_CASE("a clear before the end and one after it change nothing about it",
          "[region][stopped]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "1"));
  REQUIRE(f.uut->clear());
  CHECK(f.get("k") == "<none>");
  REQUIRE(f.uut->set("k", "2"));
  REQUIRE(f.uut->clear());
  f.uut->stop();
  CHECK(code_of(f.uut->get("k")) == errc::shutting_down);
  for (int i = 0; i < 3; ++i)
    CHECK(code_of(f.uut->clear()) == errc::shutting_down);
  CHECK(code_of(f.uut->get("k")) == errc::shutting_down);
  f.uut->sweep();
  CHECK(code_of(f.uut->set("k", "3")) == errc::shutting_down);
}

TEST_CASE("no reader takes the end of a region for a miss",
          "[region][stopped]") {
  for (int run = 0; run < 20; ++run) {
    region_fixture f;
    const std::array<bytes_view, 3> keys{"a", "b", "c"};
    for (auto key : keys)
      REQUIRE(f.uut->set(key, "v"));
    std::atomic<int> reading{0};
    std::atomic<int> mistakes{0};
    std::vector<std::jthread> readers;
    for (int t = 0; t < 2; ++t)
      readers.emplace_back([&] {
        for (auto first = true;; first = false) {
          auto one = f.uut->get("b");
          if (one && !*one)
            ++mistakes;
          auto many
            = f.uut->visit_many(keys, [&](std::size_t, const entry_view* x) {
                if (x == nullptr)
                  ++mistakes;
              });
          auto sum = f.uut->increment("n", 1);
          if (sum && *sum < 1)
            ++mistakes;
          if (!one && !many && !sum)
            return;
          if (first)
            ++reading;
        }
      });
    const auto all_read = comes_true([&] { return reading == 2; });
    f.uut->stop();
    readers.clear();
    CHECK(all_read);
    CHECK(mistakes == 0);
  }
}
