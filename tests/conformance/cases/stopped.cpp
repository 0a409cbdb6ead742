// What a region answers after its runtime has ended: always `shutting_down`.

#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Each read of `key`, with its name; those of an ability, where there is one.
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
  for (auto as : {lookup::use, lookup::peek})
    f("get_then", code_of(future_of<std::optional<entry_copy>>([&](auto done) {
                            x.get_then(carried_key{bytes{key}}, as, done);
                          }).get()));
  f("get_or_set", code_of(x.get_or_set(key, bring("loaded"))));
  f("get_or_set_then",
    code_of(get_or_set_async(x, bytes{key}, bring("loaded")).get()));
  if (x.provider().charges() != nullptr)
    f("charge", code_of(x.charge(key)));
  if (x.provider().scans() != nullptr) {
    f("scan", code_of(x.scan(0, nothing)));
    f("random_key", code_of(x.random_key(random)));
  }
}

} // namespace

PROVIDER_CASE("a stopped region answers no read with what it held",
              "[stopped]") {
  region_options options;
  fixture abilities{kind};
  if (abilities.uut->provider().groups() != nullptr)
    options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 0}};
  fixture f{kind, options};
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
  CHECK(f.uut->stats().keys == 0);
}

PROVIDER_CASE("a stopped region changes nothing and runs no function",
              "[stopped]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "1"));
  f.uut->stop();
  auto& x = *f.uut;
  auto down = [](const auto& outcome) {
    return code_of(outcome) == errc::shutting_down;
  };
  const std::vector<key_value> items{{"k", "2"}};
  std::atomic<int> calls{0};
  auto update = [&](std::optional<bytes_view>) -> loaded {
    ++calls;
    return bytes{"3"};
  };
  auto loader = [&](load_context&) -> loaded {
    ++calls;
    return bytes{"loaded"};
  };
  CHECK(down(x.set("k", "2")));
  CHECK(down(x.set("new", "2")));
  CHECK(down(x.set("k", "2", tagged({"red"}))));
  CHECK(down(x.set_if_absent("k", "2")));
  CHECK(down(x.set_many(items)));
  CHECK(down(x.compare_and_set("k", no_version, "2")));
  CHECK(down(x.compare_and_erase("k", 1)));
  CHECK(down(x.erase("k")));
  CHECK(down(x.increment("k")));
  CHECK(down(x.touch("k", 1s)));
  CHECK(down(x.clear()));
  CHECK(down(x.invalidate_tag("t")));
  CHECK(down(x.update("k", update)));
  CHECK(down(x.get_or_set("absent", loader)));
  CHECK(down(x.transform("k", [&](const entry_view*) {
    ++calls;
    return expected<edit>{edit::erase()};
  })));
  CHECK(down(set_async(x, "k", "2").get()));
  CHECK(down(set_if_absent_async(x, "k", "2").get()));
  CHECK(down(erase_async(x, "k").get()));
  CHECK(down(touch_async(x, "k", 1s).get()));
  CHECK(down(increment_async(x, "k").get()));
  CHECK(down(update_async(x, "k", update).get()));
  CHECK(down(get_or_set_async(x, "absent", loader).get()));
  CHECK(down(future_of<std::optional<version_number>>([&](auto done) {
               x.compare_and_set_then(carried_key{bytes{"k"}}, no_version, "2",
                                      {}, done);
             }).get()));
  CHECK(down(future_of<bool>([&](auto done) {
               x.compare_and_erase_then(carried_key{bytes{"k"}}, 1, done);
             }).get()));
  if (x.provider().limits() != nullptr) {
    CHECK(down(x.set_limits(0, 100)));
    CHECK(down(x.set_eviction(eviction_policy::none)));
    CHECK(down(x.obey_limits()));
  }
  if (x.provider().listeners() != nullptr)
    CHECK(down(x.on_removal([](const removal&) {})));
  if (x.provider().joint_turns() != nullptr) {
    CHECK(down(x.watch("k")));
    CHECK(down(x.rename("k", "other")));
  }
  CHECK(calls == 0);
}

PROVIDER_CASE("a clear before the end and one after it change nothing about it",
              "[stopped]") {
  fixture f{kind};
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
  f.uut->tick();
  f.uut->stop();
  CHECK(code_of(f.uut->set("k", "3")) == errc::shutting_down);
}

PROVIDER_CASE("no reader takes the end of a region for a miss", "[stopped]") {
  for (int run = 0; run < 20; ++run) {
    fixture f{kind};
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

PROVIDER_CASE("the end reaches what waits for an update", "[stopped]") {
  fixture f{kind};
  constexpr int races = static_cast<int>(defaults::update_races);
  int runs = 0;
  std::future<expected<std::int64_t>> waiting;
  std::future<expected<std::int64_t>> blocked;
  auto result = f.uut->update("n", [&](auto) -> loaded {
    if (++runs <= races) {
      REQUIRE(f.uut->increment("n"));
    } else {
      waiting = increment_async(*f.uut, "n");
      blocked = std::async(std::launch::async,
                           [&f] { return f.uut->increment("n"); });
      f.uut->stop();
      CHECK(code_of(waiting.get()) == errc::shutting_down);
      CHECK(code_of(blocked.get()) == errc::shutting_down);
    }
    return bytes{"made"};
  });
  CHECK(code_of(result) == errc::shutting_down);
  CHECK(code_of(f.uut->get("n")) == errc::shutting_down);
}
