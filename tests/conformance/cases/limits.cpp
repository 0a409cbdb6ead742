// Limits and namespaces, of providers that have them (G6).

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

std::string key_of(std::size_t i) {
  return "key:" + std::to_string(i);
}

namespace_options space(std::string prefix, std::size_t max_bytes,
                        std::size_t max_entries = 0) {
  namespace_options result;
  result.prefix = std::move(prefix);
  result.max_bytes = max_bytes;
  result.max_entries = max_entries;
  return result;
}

bool has_namespaces(const provider_kind& kind) {
  fixture f{kind};
  return f.uut->provider().groups() != nullptr;
}

bool has_limits(const provider_kind& kind) {
  fixture f{kind};
  return f.uut->provider().limits() != nullptr;
}

struct spaced : fixture {
  spaced(const provider_kind& with, std::vector<namespace_options> namespaces)
    : fixture(with, options_of(std::move(namespaces))) {
    // nop
  }

  static region_options options_of(std::vector<namespace_options> namespaces) {
    region_options result;
    result.namespaces = std::move(namespaces);
    return result;
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
};

error refusal(const expected<void>& x) {
  REQUIRE(!x);
  return x.error();
}

} // namespace

PROVIDER_CASE("a limit of entries holds, and what is evicted is absent",
              "[limits][G6]") {
  if (!has_limits(kind))
    return;
  fixture f{kind, {.max_entries = 1'000}};
  CHECK(f.uut->limited());
  CHECK(f.uut->max_entries() == 1'000);
  for (std::size_t i = 0; i < 5'000; ++i) {
    REQUIRE(f.uut->set(key_of(i), "value"));
    if (i % 100 == 0)
      CHECK(f.uut->size() <= 1'000);
  }
  std::size_t found = 0;
  for (std::size_t i = 0; i < 5'000; ++i) {
    const auto value = f.get(key_of(i));
    found += value == "value" ? 1 : 0;
    CHECK((value == "value" || value == "<none>"));
  }
  CHECK(found == f.uut->size());
  CHECK(found > 500);
}

PROVIDER_CASE("a limit of bytes holds, whatever the sizes", "[limits][G6]") {
  if (!has_limits(kind))
    return;
  constexpr std::size_t limit = 1 << 20;
  fixture f{kind, {.max_bytes = limit}};
  const auto exact = f.uut->provider().charges() != nullptr;
  std::minstd_rand random{5};
  const std::string filler(100'000, 'x');
  for (int i = 0; i < 5'000; ++i) {
    const auto size = random() % (std::size_t{1} << (random() % 17));
    REQUIRE(
      f.uut->set(key_of(random() % 3'000), bytes_view{filler}.substr(0, size)));
    if (exact && i % 100 == 0)
      CHECK(f.uut->stats().charged <= limit);
  }
  CHECK(f.uut->size() > 0);
}

PROVIDER_CASE("limits and policy change while the region is in use",
              "[limits][G6]") {
  if (!has_limits(kind))
    return;
  fixture f{kind};
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(f.uut->set(key_of(i), "value"));
  CHECK(f.uut->max_bytes() == 0);
  CHECK_FALSE(f.uut->limited());
  CHECK(f.uut->set_limits(500'000, 0));
  CHECK(f.uut->max_bytes() == 500'000);
  CHECK(f.uut->limited());
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
  CHECK(set_async(*f.uut, "one more", "value").get().error()
        == errc::limit_reached);
  CHECK(f.uut->increment("one more").error() == errc::limit_reached);
  CHECK(f.uut->get_or_set("one more", bring("loaded")) == "loaded");
  CHECK(f.get("one more") == "<none>");
  CHECK(f.uut->set(key_of(7), "other") == true);
  auto bad = f.uut->set_limits(10, 0);
  REQUIRE(!bad);
  CHECK(bad.error() == errc::invalid_argument);
  CHECK(f.uut->max_entries() == 20'000);
}

PROVIDER_CASE(
  "a value larger than a limit allows is refused with what is allowed",
  "[limits][G6][G10]") {
  if (!has_limits(kind))
    return;
  fixture f{kind, {.max_bytes = mib}};
  REQUIRE(f.uut->set("small", "value"));
  auto refused = f.uut->set("large", std::string(600'000, 'x'));
  REQUIRE(!refused);
  CHECK(refused.error() == errc::value_too_large);
  CHECK(refused.error().text().find("524288") != std::string::npos);
  CHECK(f.get("large") == "<none>");
  CHECK(f.uut->set("fits", std::string(500'000, 'x')));
  CHECK(f.get("small") == "value");
}

// -- namespaces --------------------------------------------------------------------

PROVIDER_CASE("a key belongs to the longest prefix that it begins with",
              "[namespaces]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind,
           {space("user:", mib), space("user:eu:", mib), space("img:", mib),
            space("u", mib)}};
  for (auto* key :
       {"other", "user:1", "user:eu:1", "user:eus", "img:1", "img:", "u", ""}) {
    CHECK(f.uut->set(key, key) == true);
    CHECK(f.get(key) == key);
  }
  CHECK(f.uut->namespaces().size() == 4);
  CHECK(f.uut->namespaces().at(1).prefix == "user:eu:");
  CHECK(f.stats_of("user:").keys == 2);
  CHECK(f.stats_of("user:eu:").keys == 1);
  CHECK(f.stats_of("img:").keys == 2);
  CHECK(f.stats_of("u").keys == 1);
  CHECK(f.uut->size() == 8);
  CHECK(f.uut->erase("user:eu:1") == true);
  CHECK(f.stats_of("user:eu:").keys == 0);
}

PROVIDER_CASE("a batch of keys finds each in its namespace", "[namespaces]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib), space("b:", mib)}};
  std::vector<std::string> keys;
  for (int i = 0; i < 60; ++i)
    keys.push_back(std::string{"abc"[i % 3]} + ":" + std::to_string(i));
  std::vector<key_value> items;
  for (auto& x : keys)
    items.push_back({x, x});
  REQUIRE(f.uut->set_many(items));
  keys.emplace_back("b:absent");
  std::vector<bytes_view> views(keys.begin(), keys.end());
  auto found = f.uut->get_many(views);
  REQUIRE(found);
  for (std::size_t i = 0; i < 60; ++i)
    CHECK((*found)[i] == keys[i]);
  CHECK(!found->back());
  CHECK(f.stats_of("a:").keys == 20);
  CHECK(f.stats_of("b:").keys == 20);
}

PROVIDER_CASE("a full namespace evicts its own keys and no others",
              "[namespaces][limits]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", 0, 500), space("b:", 0, 100)}};
  f.fill("a:", 500);
  f.fill("other:", 500);
  f.fill("b:", 5'000);
  CHECK(f.stats_of("b:").keys <= 100);
  CHECK(f.stats_of("a:").keys == 500);
  CHECK(f.uut->size() == 1'000 + f.stats_of("b:").keys);
}

PROVIDER_CASE("limits of a namespace change while it is in use",
              "[namespaces][limits]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", 4 * mib), space("b:", 4 * mib)}};
  f.fill("a:", 5'000);
  f.fill("b:", 5'000);
  f.fill("other:", 5'000);
  REQUIRE(f.uut->set_namespace_limits("a:", 256 * 1024, 0));
  auto lower = f.stats_of("a:");
  CHECK(lower.max_bytes == 256 * 1024);
  CHECK(lower.charged <= 256 * 1024);
  CHECK(lower.keys > 500);
  CHECK(f.stats_of("b:").keys == 5'000);
  CHECK(f.uut->size() == 10'000 + lower.keys);
  REQUIRE(f.uut->set_namespace_limits("a:", 8 * mib, 3'000));
  CHECK(f.stats_of("a:").max_entries == 3'000);
  f.fill("a:", 10'000);
  CHECK(f.stats_of("a:").keys == 3'000);
}

PROVIDER_CASE("bad limits of a namespace are refused and change nothing",
              "[namespaces][limits][G10]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib, 500)}};
  auto& uut = *f.uut;
  auto none = refusal(uut.set_namespace_limits("a:", 0, 0));
  CHECK(none == errc::invalid_argument);
  CHECK(none.text().find("no limit") != std::string::npos);
  CHECK(refusal(uut.check_namespace_limits("a:", 0, 0))
        == errc::invalid_argument);
  CHECK(refusal(uut.set_namespace_limits("a:", 1, 0))
        == errc::invalid_argument);
  for (auto* prefix : {"b:", "a", "a:b", ""}) {
    CHECK(refusal(uut.set_namespace_limits(prefix, mib, 0))
          == errc::invalid_argument);
    CHECK(refusal(uut.clear_namespace(prefix)) == errc::invalid_argument);
    CHECK(refusal(uut.set_namespace_eviction(prefix, eviction_policy::none))
          == errc::invalid_argument);
  }
  CHECK(f.stats_of("a:").max_bytes == mib);
  CHECK(f.stats_of("a:").max_entries == 500);
  CHECK(uut.check_namespace_limits("a:", 64 * 1024, 0));
  CHECK(uut.set_namespace_limits("a:", 64 * 1024, 0));
}

PROVIDER_CASE("a namespace has a policy of its own or that of the region",
              "[namespaces][limits]") {
  if (!has_namespaces(kind))
    return;
  auto strict = space("a:", 64 * 1024);
  strict.eviction = eviction_policy::none;
  strict.shards = 1;
  auto following = space("b:", 64 * 1024);
  following.shards = 1;
  spaced f{kind, {strict, following}};
  auto refused = [&](const char* prefix) {
    for (int i = 0; i < 2'000; ++i) {
      auto stored
        = f.uut->set(prefix + std::to_string(i), std::string(100, 'x'));
      if (!stored) {
        CHECK(stored.error() == errc::limit_reached);
        return true;
      }
    }
    return false;
  };
  CHECK(refused("a:"));
  CHECK(f.stats_of("a:").evictions == 0);
  CHECK(f.stats_of("a:").own_eviction);
  CHECK(!refused("b:"));
  CHECK(!refused("other:"));
  // The region's counts for those that have none.
  REQUIRE(f.uut->set_eviction(eviction_policy::clock));
  CHECK(f.stats_of("a:").eviction == eviction_policy::none);
  CHECK(f.stats_of("b:").eviction == eviction_policy::clock);
  REQUIRE(f.uut->set_namespace_eviction("b:", eviction_policy::none));
  CHECK(refused("b:"));
  REQUIRE(f.uut->set_namespace_eviction("a:", std::nullopt));
  CHECK(f.stats_of("a:").eviction == eviction_policy::clock);
  CHECK(!refused("a:"));
  REQUIRE(f.uut->set_eviction(eviction_policy::s3_fifo));
  CHECK(f.stats_of("a:").eviction == eviction_policy::s3_fifo);
  CHECK(f.stats_of("b:").eviction == eviction_policy::none);
}

PROVIDER_CASE("a namespace may hold values up to half of its own limit",
              "[namespaces][limits]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib / 2), space("b:", mib)}};
  const std::string value(500'000, 'x');
  auto refused = f.uut->set("a:large", value);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::value_too_large);
  CHECK(f.uut->set("b:large", value) == true);
  CHECK(f.uut->set("other", value) == true);
}

PROVIDER_CASE("a walk and random keys meet the keys of all namespaces",
              "[namespaces][scan]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib), space("b:", mib)}};
  if (f.uut->provider().scans() == nullptr)
    return;
  f.fill("a:", 300);
  f.fill("b:", 300);
  f.fill("other:", 300);
  std::map<std::string, int> seen;
  scan_cursor next = 0;
  do {
    next = f.uut
             ->scan(next, [&](bytes_view key,
                              const entry_view&) { ++seen[std::string{key}]; })
             .value();
    CHECK(next < scan_cursor{1} << 53);
  } while (next != 0);
  CHECK(seen.size() == 900);
  CHECK(seen.count("a:0") == 1);
  CHECK(seen.count("b:299") == 1);
  std::minstd_rand random{7};
  std::map<char, int> first;
  for (int i = 0; i < 600; ++i)
    ++first[f.uut->random_key(random).value()->front()];
  // 200 of each, with a standard deviation of 12.
  for (auto x : {'a', 'b', 'o'})
    CHECK(first[x] > 100);
}

PROVIDER_CASE("clear and tags concern all namespaces", "[namespaces][tags]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib), space("b:", mib)}};
  for (auto* key : {"a:1", "b:1", "other:1"}) {
    REQUIRE(f.uut->set(key, "x", tagged({"red"})));
    REQUIRE(f.uut->set(std::string{key} + "plain", "x"));
  }
  REQUIRE(f.uut->invalidate_tag("red"));
  for (auto* key : {"a:1", "b:1", "other:1"}) {
    CHECK(f.get(key) == "<none>");
    CHECK(f.get(std::string{key} + "plain") == "x");
  }
  REQUIRE(f.uut->clear());
  CHECK(f.uut->size() == 0);
  for (auto* key : {"a:1plain", "b:1plain", "other:1plain"})
    CHECK(f.get(key) == "<none>");
}

PROVIDER_CASE("one namespace is cleared, and the others stay", "[namespaces]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib), space("a:b:", mib)}};
  f.fill("a:", 500);
  f.fill("a:b:", 500);
  f.fill("other:", 500);
  REQUIRE(f.uut->clear_namespace("a:"));
  CHECK(f.stats_of("a:").keys == 0);
  CHECK(f.get("a:7") == "<none>");
  CHECK(f.stats_of("a:b:").keys == 500);
  CHECK(f.uut->size() == 1'000);
  // It goes on.
  CHECK(f.uut->set("a:7", "again") == true);
  CHECK(f.get("a:7") == "again");
}

PROVIDER_CASE(
  "what was being loaded when its namespace was cleared is not stored",
  "[namespaces][loads][G3]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib), space("b:", mib)}};
  for (auto* key : {"a:k", "b:k"}) {
    test_gate door;
    auto loaded
      = get_or_set_async(*f.uut, key, [&](load_context&) -> expected<bytes> {
          door.pass();
          return bytes{"old"};
        });
    door.await_arrival();
    REQUIRE(f.uut->clear_namespace("a:"));
    door.open();
    CHECK(loaded.get() == bytes{"old"});
  }
  CHECK(f.get("a:k") == "<none>");
  CHECK(f.get("b:k") == "old");
}

PROVIDER_CASE("a listener hears of the keys of namespaces",
              "[namespaces][listeners]") {
  if (!has_namespaces(kind))
    return;
  spaced f{kind, {space("a:", mib)}};
  if (f.uut->provider().listeners() == nullptr)
    return;
  std::atomic<int> told{0};
  REQUIRE(f.uut->on_removal([&](const removal&) { ++told; }));
  REQUIRE(f.uut->set("a:k", "x"));
  REQUIRE(f.uut->set("other", "x"));
  CHECK(f.uut->erase("a:k") == true);
  CHECK(f.uut->erase("other") == true);
  eventually([&] { return told >= 2; });
  CHECK(told == 2);
}
