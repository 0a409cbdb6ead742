// What a reader finds, by all ways to read (G1, G4).

#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Like `region::get_then`, as a future.
auto get_async(const region& where, std::string key, lookup as = lookup::use) {
  return future_of<std::optional<entry_copy>>(
    [&](auto done) { where.get_then(carried_key{std::move(key)}, as, done); });
}

} // namespace

PROVIDER_CASE("a region sets, gets, counts and clears", "[reading]") {
  fixture f{kind};
  CHECK(f.uut->set("a", "1") == true);
  CHECK(f.uut->set_if_absent("a", "2") == false);
  CHECK(f.uut->set_if_absent("b", "2") == true);
  CHECK(f.uut->contains("a") == true);
  CHECK(f.uut->contains("c") == false);
  CHECK(f.get("a") == "1");
  CHECK(f.uut->size() == 2);
  CHECK(f.uut->erase("a") == true);
  CHECK(f.uut->erase("a") == false);
  CHECK(f.uut->increment("n", 2) == 2);
  CHECK(f.uut->size() == 2);
  CHECK(f.uut->stats().keys == 2);
  CHECK(f.uut->clear());
  CHECK(f.uut->size() == 0);
  CHECK(f.get("b") == "<none>");
  CHECK(f.uut->check_running());
}

PROVIDER_CASE("a provider says what kind it is", "[reading]") {
  fixture f{kind};
  CHECK_FALSE(f.uut->provider().kind().empty());
  CHECK(f.uut->name() == "test");
}

PROVIDER_CASE("a visit shows the entry, and is not made to a key without one",
              "[reading]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "value"));
  for (auto as : {lookup::use, lookup::peek}) {
    int calls = 0;
    CHECK(f.uut->visit(
            "k",
            [&](const entry_view& x) {
              ++calls;
              CHECK(x.value == "value");
              CHECK(x.version != no_version);
              CHECK(x.deadline == never);
              CHECK(x.ttl_end == never);
              CHECK(x.idle == no_expiry);
            },
            as)
          == true);
    CHECK(f.uut->visit(
            "other", [&](const entry_view&) { ++calls; }, as)
          == false);
    CHECK(calls == 1);
  }
}

PROVIDER_CASE("a batch answers every key in order", "[reading]") {
  fixture f{kind};
  std::vector<std::string> keys;
  std::vector<bytes_view> views;
  for (int i = 0; i < 100; ++i)
    keys.push_back(std::to_string(i));
  for (int i = 0; i < 100; i += 2)
    REQUIRE(f.uut->set(keys[static_cast<std::size_t>(i)],
                       keys[static_cast<std::size_t>(i)] + "!"));
  for (auto& x : keys)
    views.push_back(x);
  auto values = f.uut->get_many(views);
  REQUIRE(values);
  REQUIRE(values->size() == 100);
  for (std::size_t i = 0; i < 100; ++i)
    if ((*values)[i]
        != (i % 2 == 0 ? std::optional{keys[i] + "!"} : std::nullopt))
      FAIL("key " << i << " differs");
  CHECK(f.uut->get_many({})->empty());
  // The same key twice, and each entry shown in its turn.
  const std::array<bytes_view, 4> twice{"2", "1", "2", "4"};
  std::vector<std::string> seen;
  REQUIRE(f.uut->visit_many(twice, [&](std::size_t i, const entry_view* x) {
    CHECK(i == seen.size());
    seen.emplace_back(x == nullptr ? "<none>" : x->value);
  }));
  CHECK(seen == std::vector<std::string>{"2!", "<none>", "2!", "4!"});
}

PROVIDER_CASE("a read without waiting finds the same entry", "[reading]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "value", {.ttl = 1h}));
  const auto present = look_at(*f.uut, "k");
  for (auto as : {lookup::use, lookup::peek}) {
    const auto found = get_async(*f.uut, "k", as).get();
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->value == "value");
    CHECK((*found)->version == present->version);
    CHECK((*found)->deadline == present->deadline);
    CHECK(get_async(*f.uut, "other", as).get() == std::nullopt);
  }
}

PROVIDER_CASE("any bytes are a key and a value", "[reading]") {
  fixture f{kind};
  std::string all;
  for (int i = 0; i < 256; ++i)
    all.push_back(static_cast<char>(i));
  const std::string nul(1, '\0');
  const std::string long_key(f.uut->options().max_key_size, 'k');
  const std::string large(1'000'003, 'v');
  const std::vector<std::pair<std::string, std::string>> items{
    {"", "under the empty key"},
    {"empty", ""},
    {nul, "nul"},
    {nul + nul, nul},
    {all, all},
    {"a" + nul + "b", "1"},
    {"a" + nul + "c", "2"},
    {long_key, "long key"},
    {"large", large},
    {"a", "no nul"}};
  for (auto& [key, value] : items)
    REQUIRE(f.uut->set(key, value) == true);
  for (auto& [key, value] : items)
    if (f.get(key) != value)
      FAIL("another value under the key of " << key.size() << " bytes");
  CHECK(f.uut->size() == items.size());
  for (auto& [key, value] : items)
    CHECK(f.uut->erase(key) == true);
  CHECK(f.uut->size() == 0);
}

PROVIDER_CASE("what a caller does to a value it got changes nothing for others",
              "[reading][G4]") {
  fixture f{kind};
  bytes mine = "value";
  REQUIRE(f.uut->set("a", mine));
  mine[0] = 'X';
  auto first = f.uut->get("a");
  (**first)[0] = 'Y';
  CHECK(f.get("a") == "value");
}

PROVIDER_CASE("a read that starts after a write returned sees it",
              "[reading][G1]") {
  // One writer per key counts up; readers note the last number known to be
  // written before they look, and what they see may not be older. Readers may
  // not see a key's numbers go back either.
  constexpr int keys = 4;
  const int writes = kind.rounds(20'000);
  fixture f{kind};
  std::array<std::atomic<int>, keys> written{};
  std::atomic<int> stale{0};
  std::atomic<int> writers{2};
  for (int k = 0; k < keys; ++k)
    REQUIRE(f.uut->set(std::to_string(k), "0"));
  crew(4, [&](int t) {
    if (t < 2) {
      for (int i = 1; i <= writes; ++i)
        for (auto k : {t, t + 2}) {
          if (f.uut->set(std::to_string(k), std::to_string(i)) != true)
            ++stale;
          written[static_cast<std::size_t>(k)].store(i);
        }
      --writers;
      return;
    }
    std::array<int, keys> seen{};
    for (int k = 0; writers > 0; k = (k + 1) % keys) {
      auto i = static_cast<std::size_t>(k);
      auto known = written[i].load();
      auto value = std::stoi(f.uut->get(std::to_string(k))->value_or("-1"));
      if (value < known || value < seen[i])
        ++stale;
      seen[i] = value;
    }
  });
  CHECK(stale == 0);
}

PROVIDER_CASE("whatever way is used, a reader never sees half a value",
              "[reading][G4]") {
  // Values are one letter many times, with sizes of several storage classes.
  const int writes = kind.rounds(3'000);
  fixture f{kind};
  REQUIRE(f.uut->set("k", "aaaa"));
  std::atomic<bool> writing{true};
  std::atomic<int> torn{0};
  auto look = [&](bytes_view x) {
    if (x.empty() || x.find_first_not_of(x.front()) != bytes_view::npos)
      ++torn;
  };
  crew(3, [&](int t) {
    if (t == 0) {
      for (int i = 0; i < writes; ++i) {
        const std::string value(std::size_t{1} << (i % 17),
                                static_cast<char>('a' + i % 26));
        if (f.uut->set("k", value) != true)
          ++torn;
      }
      writing = false;
      return;
    }
    const std::array<bytes_view, 1> keys{"k"};
    while (writing) {
      if (t == 1) {
        if (f.uut->visit("k", [&](const entry_view& x) { look(x.value); })
            != true)
          ++torn;
      } else {
        const auto found = f.uut->get_many(keys);
        if (found && found->front())
          look(*found->front());
        else
          ++torn;
      }
    }
  });
  CHECK(torn == 0);
}
