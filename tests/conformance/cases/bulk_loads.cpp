// Loads of several keys with one loader, on each provider.

#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

using bulk_result = expected<std::vector<load_answer>>;

bulk_values named_values(const bulk_context& context) {
  bulk_values result;
  for (const auto& key : context.keys())
    result.emplace_back(std::optional<bytes>{"value of " + key});
  return result;
}

std::string said(const load_answer& x) {
  return x.value ? x.value->value_or("<none>") : x.value.error().text();
}

/// On this thread, or, with `later`, without a thread that waits.
bulk_result bulk_load_of(fixture& f, const std::vector<std::string>& keys,
                         const bulk_loader& loader, bool later) {
  const std::vector<bytes_view> views(keys.begin(), keys.end());
  if (!later)
    return f.uut->get_or_load_many(views, loader);
  return future_of<std::vector<load_answer>>([&](auto done) {
           f.uut->get_or_load_many_then(views, true, loader, {}, done);
         })
    .get();
}

} // namespace

PROVIDER_CASE("a bulk load reads, joins and loads, in the order of the keys",
              "[loads][bulk]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  REQUIRE(f.uut->set("hit", "there"));
  slow_load other{f};
  other.begin();
  std::atomic<int> calls{0};
  auto answers = std::async(std::launch::async, [&] {
    return bulk_load_of(
      f, {"z", "k", "hit", "a", "z"},
      [&](bulk_context& context) {
        ++calls;
        return named_values(context);
      },
      later);
  });
  // Its own values are stored before it waits for the other load.
  eventually([&] { return f.get("z") != "<none>" && f.get("a") != "<none>"; });
  CHECK(other.value() == "old");
  const auto got = answers.get();
  REQUIRE(got);
  REQUIRE(got->size() == 5);
  CHECK(said(got->at(0)) == "value of z");
  CHECK(said(got->at(1)) == "old");
  CHECK(said(got->at(2)) == "there");
  CHECK(said(got->at(3)) == "value of a");
  CHECK(said(got->at(4)) == "value of z");
  CHECK(got->at(1).origin == load_origin::joined);
  CHECK(got->at(2).origin == load_origin::hit);
  CHECK(got->at(3).origin == load_origin::loaded);
  CHECK(calls == 1);
  await_no_load(f);
}

PROVIDER_CASE("one key of a bulk load is invalidated, the others are stored",
              "[loads][bulk][G3]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  const auto got = bulk_load_of(
    f, {"a", "b", "c", "d"},
    [&](bulk_context& context) {
      context.tag("d", "red");
      if (!f.uut->erase("a") || !f.uut->set("b", "newer")
          || !f.uut->invalidate_tag("red"))
        throw std::runtime_error{"no change"};
      return named_values(context);
    },
    later);
  REQUIRE(got);
  for (const auto& x : *got)
    CHECK(said(x).find("value of ") == 0);
  CHECK(got->at(0).fenced);
  CHECK(got->at(1).fenced);
  CHECK(!got->at(2).fenced);
  CHECK(got->at(3).fenced);
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "newer");
  CHECK(f.get("c") == "value of c");
  CHECK(f.get("d") == "<none>");
  await_no_load(f);
}

PROVIDER_CASE("a clear voids all loads of a bulk load", "[loads][bulk][G3]") {
  fixture f{kind};
  const auto got = bulk_load_of(
    f, {"a", "b"},
    [&](bulk_context& context) {
      if (!f.uut->clear())
        throw std::runtime_error{"no clear"};
      return named_values(context);
    },
    GENERATE(false, true));
  REQUIRE(got);
  CHECK(said(got->at(0)) == "value of a");
  CHECK(got->at(0).fenced);
  CHECK(got->at(1).fenced);
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "<none>");
}

PROVIDER_CASE(
  "one that joined a key of a bulk load which turns out to be older "
  "than an invalidation is answered by another load",
  "[loads][bulk][tags][G3]") {
  fixture f{kind};
  test_gate door;
  auto bulk = std::async(std::launch::async, [&] {
    return bulk_load_of(
      f, {"a", "k"},
      [&](bulk_context& context) {
        door.pass();
        context.tag("red");
        return named_values(context);
      },
      false);
  });
  door.await_arrival();
  REQUIRE(f.uut->invalidate_tag("red"));
  auto after = get_or_set_async(*f.uut, "k", bring("new"));
  auto bulk_after = std::async(std::launch::async, [&] {
    return bulk_load_of(
      f, {"k", "a"},
      [&](bulk_context& context) {
        return bulk_values(context.size(), std::optional<bytes>{"new"});
      },
      false);
  });
  eventually([&] {
    const auto [loads, total] = f.loads->list(10);
    return total == 2 && loads[0].waiters + loads[1].waiters == 5;
  });
  door.open();
  CHECK(after.get() == "new");
  const auto got = bulk_after.get();
  REQUIRE(got);
  CHECK(said(got->at(0)) == "new");
  CHECK(said(got->at(1)) == "new");
  CHECK(said(bulk.get()->at(1)) == "value of k");
  await_no_load(f);
  CHECK(f.get("a") == "new");
  CHECK(f.get("k") == "new");
}

PROVIDER_CASE(
  "bulk loads with common keys in opposite order load each key once",
  "[loads][bulk][G2]") {
  fixture f{kind};
  const std::vector<std::string> forwards{"a", "b", "c", "d"};
  const std::vector<std::string> backwards{"d", "c", "b", "a"};
  std::atomic<std::size_t> loaded{0};
  std::atomic<int> wrong{0};
  constexpr std::size_t rounds = 100;
  for (std::size_t round = 0; round < rounds; ++round) {
    REQUIRE(f.uut->clear());
    crew(2, [&](int t) {
      const auto& keys = t == 0 ? forwards : backwards;
      const auto got = bulk_load_of(
        f, keys,
        [&](bulk_context& context) {
          loaded += context.size();
          return named_values(context);
        },
        round % 2 == 1);
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (!got || said(got->at(i)) != "value of " + keys[i])
          ++wrong;
    });
  }
  CHECK(wrong == 0);
  CHECK(loaded == rounds * forwards.size());
  await_no_load(f);
}

PROVIDER_CASE("a bulk load that fails leaves no lease behind",
              "[loads][bulk]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  const auto failed = bulk_load_of(
    f, {"a", "b"},
    [](bulk_context&) -> expected<bulk_values> {
      throw std::runtime_error{"down"};
    },
    later);
  REQUIRE(failed);
  CHECK(failed->at(0).value.error() == errc::load_failed);
  CHECK(failed->at(1).value.error() == errc::load_failed);
  await_no_load(f);
  CHECK(f.uut->get_or_set("a", bring("next")) == "next");
  const auto got = bulk_load_of(f, {"a", "b"}, named_values, later);
  REQUIRE(got);
  CHECK(said(got->at(0)) == "next");
  CHECK(said(got->at(1)) == "value of b");
}

PROVIDER_CASE("a bulk load that finds no value remembers the absence",
              "[loads][bulk][stale]") {
  region_options options;
  options.absence_ttl = 1h;
  fixture f{kind, options};
  std::atomic<int> calls{0};
  const auto none = [&](bulk_context& context) {
    ++calls;
    return bulk_values(context.size(), std::optional<bytes>{});
  };
  for (int i = 0; i < 2; ++i) {
    const auto got = bulk_load_of(f, {"a", "b"}, none, i == 1);
    REQUIRE(got);
    CHECK(said(got->at(0)) == "<none>");
    CHECK(said(got->at(1)) == "<none>");
    await_no_load(f);
  }
  CHECK(calls == 1);
}
