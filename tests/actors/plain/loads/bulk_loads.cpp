// Loads of several keys with one loader.

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/plain/loads/bulk_fixture.hpp"

using namespace troupe;
using namespace bulk_tests;
using namespace std::chrono_literals;

TEST_CASE("1,000 absent keys take one call of the loader", "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  const auto keys = names(1000);
  const auto place = GENERATE(load_on::caller, load_on::pool);
  const auto answers
    = get_many(*f.uut, keys, loader.function(), {}, {.on = place});
  REQUIRE(answers);
  REQUIRE(answers->size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(text_of(answers->at(i)) == "value of " + keys[i]);
    CHECK(answers->at(i).origin == load_origin::loaded);
    CHECK(!answers->at(i).fenced);
  }
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == keys);
  CHECK(f.uut->size() == 1000);
  eventually([&] { return f.loads->in_flight() == 0; });
  // Now all are hits.
  const auto again = get_many(*f.uut, keys, loader.function());
  REQUIRE(again);
  CHECK(again->at(999).origin == load_origin::hit);
  CHECK(again->at(999).version != no_version);
  CHECK(loader.calls.size() == 1);
}

TEST_CASE("a bulk load without a thread brings 1,000 keys", "[loads][bulk]") {
  region_fixture f{{}, 1};
  noting_loader loader;
  const auto keys = names(1000);
  const auto look = GENERATE(true, false);
  auto answers = get_many_later(*f.uut, keys, loader.function(), look).get();
  const auto texts = texts_of(answers);
  REQUIRE(texts.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    CHECK(texts[i] == "value of " + keys[i]);
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == keys);
  check_drained(f);
}

TEST_CASE("a bulk load of no keys calls no loader", "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  CHECK(texts_of(get_many(*f.uut, {}, loader.function())).empty());
  CHECK(texts_of(get_many_later(*f.uut, {}, loader.function()).get()).empty());
  CHECK(loader.calls.empty());
}

TEST_CASE("a key that occurs twice is loaded once and answered twice",
          "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  REQUIRE(f.uut->set("hit", "there"));
  const auto answers
    = get_many(*f.uut, {"b", "hit", "a", "b", "hit", "b"}, loader.function());
  CHECK(texts_of(answers)
        == std::vector<std::string>{"value of b", "there", "value of a",
                                    "value of b", "there", "value of b"});
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == std::vector<std::string>{"b", "a"});
  CHECK(answers->at(1).origin == load_origin::hit);
  CHECK(answers->at(5).origin == load_origin::loaded);
}

TEST_CASE("a key that another call loads is joined", "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  test_gate door;
  auto other = get_or_set_async(*f.uut, "joined", [&](load_context&) {
    door.pass();
    return "from the other";
  });
  door.await_arrival();
  REQUIRE(f.uut->set("hit", "there"));
  noting_loader loader;
  const std::vector<std::string> keys{"a", "joined", "hit", "joined", "z"};
  auto answers
    = later
        ? get_many_later(*f.uut, keys, loader.function())
        : on_thread([&] { return get_many(*f.uut, keys, loader.function()); });
  // Its own keys are stored although the other load has not ended.
  eventually([&] { return f.get("a") != "<none>" && f.get("z") != "<none>"; });
  CHECK(f.get("joined") == "<none>");
  door.open();
  const auto got = answers.get();
  CHECK(texts_of(got)
        == std::vector<std::string>{"value of a", "from the other", "there",
                                    "from the other", "value of z"});
  CHECK(got->at(1).origin == load_origin::joined);
  CHECK(got->at(4).origin == load_origin::loaded);
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == std::vector<std::string>{"a", "z"});
  CHECK(other.get() == "from the other");
}

TEST_CASE("other calls join a bulk load key by key", "[loads][bulk]") {
  region_fixture f;
  test_gate door;
  auto bulk = on_thread([&] {
    return get_many(*f.uut, {"a", "b"}, [&](bulk_context& context) {
      door.pass();
      return values_of(context);
    });
  });
  door.await_arrival();
  auto one = get_or_set_async(*f.uut, "b", [](load_context&) { return "own"; });
  CHECK(f.uut->get_or_set("c", [](load_context&) { return "c"; }) == "c");
  door.open();
  CHECK(one.get() == "value of b");
  CHECK(texts_of(bulk.get())
        == std::vector<std::string>{"value of a", "value of b"});
}

TEST_CASE("a loader of several keys that throws fails all of them",
          "[loads][bulk]") {
  region_fixture f;
  const auto place = GENERATE(load_on::caller, load_on::pool);
  const auto answers
    = get_many(*f.uut, {"a", "b"},
               [](bulk_context&) -> expected<bulk_values> {
                 throw std::runtime_error{"the source is down"};
               },
               {}, {.on = place});
  REQUIRE(answers);
  for (const auto& x : *answers) {
    REQUIRE(!x.value);
    CHECK(x.value.error() == errc::load_failed);
    CHECK(x.value.error().text().find("the source is down")
          != std::string::npos);
  }
  check_drained(f);
  noting_loader loader;
  CHECK(texts_of(get_many(*f.uut, {"a", "b"}, loader.function()))
        == std::vector<std::string>{"value of a", "value of b"});
}

TEST_CASE("a loader that returns another number of values fails",
          "[loads][bulk]") {
  region_fixture f;
  const auto count = GENERATE(0, 1, 3);
  const auto answers = get_many(*f.uut, {"a", "b"}, [&](bulk_context&) {
    return bulk_values(static_cast<std::size_t>(count),
                       std::optional<bytes>{"value"});
  });
  REQUIRE(answers);
  for (const auto& x : *answers) {
    REQUIRE(!x.value);
    CHECK(x.value.error() == errc::load_failed);
    CHECK(
      x.value.error().text().find(std::to_string(count) + " values for 2 keys")
      != std::string::npos);
  }
  CHECK(f.uut->size() == 0);
}

TEST_CASE("each key has a result of its own", "[loads][bulk]") {
  region_options options;
  options.max_value_size = 10;
  region_fixture f{options};
  const auto answers = get_many(
    *f.uut, {"value", "none", "error", "large", "unstored"},
    [](bulk_context& context) {
      bulk_values result{std::optional<bytes>{"v"}, std::optional<bytes>{},
                         fail(errc::load_failed, "no such row"),
                         std::optional<bytes>{bytes(11, 'x')},
                         std::optional<bytes>{"u"}};
      context.store("unstored", false);
      return result;
    });
  REQUIRE(answers);
  CHECK(text_of(answers->at(0)) == "v");
  CHECK(text_of(answers->at(1)) == "<none>");
  CHECK(answers->at(2).value.error() == errc::load_failed);
  CHECK(answers->at(3).value.error() == errc::value_too_large);
  CHECK(text_of(answers->at(4)) == "u");
  CHECK(f.uut->size() == 1);
  CHECK(f.get("value") == "v");
}

TEST_CASE("an invalidation of one key voids the load of that key alone",
          "[loads][bulk][G3]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  const auto loader = [&](bulk_context& context) {
    CHECK(f.uut->erase("key 1"));
    CHECK(f.uut->set("key 2", "newer"));
    return values_of(context);
  };
  const auto answers = later ? get_many_later(*f.uut, names(4), loader).get()
                             : get_many(*f.uut, names(4), loader);
  REQUIRE(answers);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(text_of(answers->at(i)) == "value of key " + std::to_string(i));
    CHECK(answers->at(i).fenced == (i == 1 || i == 2));
  }
  CHECK(f.get("key 0") == "value of key 0");
  CHECK(f.get("key 1") == "<none>");
  CHECK(f.get("key 2") == "newer");
  CHECK(f.get("key 3") == "value of key 3");
}

TEST_CASE("a loader chooses for each key, or for all", "[loads][bulk]") {
  region_fixture f;
  write_options how;
  how.tags.add("every");
  const auto answers = get_many(
    *f.uut, {"a", "b", "c"},
    [](bulk_context& context) {
      CHECK(context.size() == 3);
      CHECK(context.at("b").attempt() == 1);
      CHECK_FALSE(context.stop().stop_requested());
      CHECK(context.deadline() < never);
      CHECK_FALSE(context.stale_value(0));
      context.ttl(1min);
      context.ttl(0, 2min);
      context.ttl("b", 3min);
      context.tag("all");
      context.tag(0, "first");
      context.tag("b", "second");
      CHECK_THROWS_AS(context.tag("unknown", "x"), std::out_of_range);
      CHECK_THROWS_AS(context.ttl(3, 1min), std::out_of_range);
      return values_of(context);
    },
    how);
  REQUIRE(answers);
  CHECK(f.uut->ttl("a") == ttl_duration{2min});
  CHECK(f.uut->ttl("b") == ttl_duration{3min});
  CHECK(f.uut->ttl("c") == ttl_duration{1min});
  REQUIRE(f.uut->invalidate_tag("first"));
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "value of b");
  REQUIRE(f.uut->invalidate_tag("second"));
  CHECK(f.get("b") == "<none>");
  const auto tag = GENERATE(as<std::string>{}, "all", "every");
  REQUIRE(f.uut->invalidate_tag(tag));
  CHECK(f.get("c") == "<none>");
}

TEST_CASE("bad options and keys of a bulk load change nothing",
          "[loads][bulk][G10]") {
  region_fixture f;
  noting_loader loader;
  REQUIRE(f.uut->set("hit", "there"));
  write_options conditional;
  conditional.condition = write_condition::if_absent;
  CHECK(get_many(*f.uut, {"hit"}, loader.function(), conditional).error()
        == errc::invalid_argument);
  CHECK(get_many(*f.uut, {"a"}, loader.function(), {.ttl = 0ms}).error()
        == errc::invalid_argument);
  const std::string long_key(f.uut->options().max_key_size + 1, 'k');
  CHECK(get_many(*f.uut, {"a", long_key}, loader.function()).error()
        == errc::key_too_large);
  const auto look = GENERATE(true, false);
  CHECK(get_many_later(*f.uut, {"a", long_key}, loader.function(), look)
          .get()
          .error()
        == errc::key_too_large);
  f.uut->stop();
  CHECK(get_many(*f.uut, {"a"}, loader.function()).error()
        == errc::shutting_down);
  CHECK(loader.calls.empty());
}

// -- stale values ------------------------------------------------------------------

TEST_CASE("a failed bulk load answers the stale values, key by key",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.fail_safe = 1h;
  region_fixture f{options};
  REQUIRE(f.uut->set("old", "stale"));
  f.time.advance(2min);
  const auto later = GENERATE(false, true);
  const auto loader = [](bulk_context& context) -> expected<bulk_values> {
    CHECK(context.stale_value("old") == "stale");
    CHECK_FALSE(context.stale_value("new"));
    throw std::runtime_error{"down"};
  };
  const auto answers = later
                         ? get_many_later(*f.uut, {"old", "new"}, loader).get()
                         : get_many(*f.uut, {"old", "new"}, loader);
  REQUIRE(answers);
  CHECK(text_of(answers->at(0)) == "stale");
  CHECK(answers->at(0).origin == load_origin::stale);
  CHECK(answers->at(0).why_stale == stale_reason::load_failed);
  CHECK(answers->at(1).value.error() == errc::load_failed);
  // For a while, the source is not asked for the key with a stale value.
  noting_loader asked;
  const auto again = get_many(*f.uut, {"old", "new"}, asked.function());
  REQUIRE(again);
  CHECK(again->at(0).why_stale == stale_reason::throttled);
  REQUIRE(asked.calls.size() == 1);
  CHECK(asked.calls[0] == std::vector<std::string>{"new"});
}

TEST_CASE("a bulk loader can say that a stale value is still right",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.fail_safe = 1h;
  region_fixture f{options};
  REQUIRE(f.uut->set("a", "stale"));
  f.time.advance(2min);
  const auto answers = get_many(*f.uut, {"a", "b"}, [](bulk_context& context) {
    context.unchanged("a");
    context.unchanged(1); // It has no stale value.
    return values_of(context);
  });
  CHECK(texts_of(answers) == std::vector<std::string>{"stale", "value of b"});
  CHECK(f.get("a") == "stale");
}

TEST_CASE("stale and aging keys of a bulk read are loaded in the background, "
          "with one call",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.stale_while_revalidate = 1h;
  options.refresh_ahead = 0.5;
  region_fixture f{options};
  for (const auto* key : {"a", "b"})
    REQUIRE(f.uut->set(key, "old"));
  f.time.advance(2min);
  REQUIRE(f.uut->set("c", "old"));
  f.time.advance(45s);
  REQUIRE(f.uut->set("d", "old"));
  noting_loader loader;
  const auto answers
    = get_many(*f.uut, {"a", "b", "c", "d", "e", "a"}, loader.function());
  CHECK(texts_of(answers)
        == std::vector<std::string>{"old", "old", "old", "old", "value of e",
                                    "old"});
  CHECK(answers->at(0).why_stale == stale_reason::revalidating);
  CHECK(answers->at(2).origin == load_origin::hit);
  eventually([&] { return f.get("c") == "value of c"; });
  eventually([&] { return f.get("b") == "value of b"; });
  check_drained(f);
  CHECK(f.get("d") == "old");
  std::lock_guard guard{loader.mutex};
  REQUIRE(loader.calls.size() == 2);
  const std::vector<std::string> refreshed{"a", "b", "c"};
  CHECK((loader.calls[0] == refreshed || loader.calls[1] == refreshed));
}

// -- all at once -------------------------------------------------------------------

TEST_CASE("bulk loads, single loads and invalidations of the same keys agree",
          "[loads][bulk][G3]") {
  region_fixture f{{}, 4};
  constexpr int rounds = 200;
  const auto keys = names(6);
  std::array<std::atomic<int>, 6> source{};
  std::atomic<int> wrong{0};
  const auto number_of = [](const std::string& key) {
    return static_cast<std::size_t>(key.back() - '0');
  };
  const auto read = [&](const std::string& key) {
    return bytes{std::to_string(source[number_of(key)].load())};
  };
  const auto load = [&](bulk_context& context) -> expected<bulk_values> {
    bulk_values result;
    for (const auto& key : context.keys())
      result.emplace_back(std::optional<bytes>{read(key)});
    // Some runs fail, and others take over.
    if (std::hash<bytes>{}(*result.front().value()) % 7 == 0)
      throw std::runtime_error{"sometimes"};
    return result;
  };
  crew(4, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t == 3) {
        // A value that is read from now on is at least as new.
        const auto n = static_cast<std::size_t>(i) % keys.size();
        ++source[n];
        if (!f.uut->erase(keys[n]))
          ++wrong;
        continue;
      }
      std::vector<std::string> own;
      for (std::size_t k = 0; k < keys.size(); ++k)
        if ((static_cast<std::size_t>(i) >> (k % 3)) % 2 == 0 || k == 0)
          own.push_back(keys[t == 1 ? keys.size() - 1 - k : k]);
      std::vector<int> least;
      for (const auto& key : own)
        least.push_back(source[number_of(key)].load() - 1);
      const auto got = t == 2 ? get_many_later(*f.uut, own, load).get()
                              : get_many(*f.uut, own, load);
      if (!got) {
        ++wrong;
        continue;
      }
      for (std::size_t k = 0; k < own.size(); ++k)
        if (const auto& x = got->at(k);
            x.value ? std::stoi(x.value->value()) < least[k]
                    : x.value.error() != errc::load_failed)
          ++wrong;
    }
  });
  CHECK(wrong == 0);
  check_drained(f);
}
