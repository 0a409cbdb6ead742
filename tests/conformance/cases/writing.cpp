// Conditions, comparisons, batches and versions of writes (G1).

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

PROVIDER_CASE("a condition decides whether a set stores", "[writing]") {
  fixture f{kind};
  const auto present = GENERATE(false, true);
  const auto later = GENERATE(false, true);
  const auto condition
    = GENERATE(write_condition::always, write_condition::if_absent,
               write_condition::if_present);
  if (present)
    REQUIRE(f.uut->set("k", "old"));
  write_options how;
  how.condition = condition;
  const auto wanted = condition == write_condition::always
                      || (condition == write_condition::if_present) == present;
  const auto stored = later ? set_async(*f.uut, "k", "new", how).get()
                            : f.uut->set("k", "new", how);
  CHECK(stored == wanted);
  CHECK(f.get("k") == (wanted ? "new" : present ? "old" : "<none>"));
}

PROVIDER_CASE("an expired entry is absent for a condition",
              "[writing][expiry]") {
  fixture f{kind};
  REQUIRE(f.uut->set("absent", "old", {.ttl = f.units(1)}));
  REQUIRE(f.uut->set("present", "old", {.ttl = f.units(1)}));
  f.advance(f.units(1));
  CHECK(f.uut->set_if_absent("absent", "new") == true);
  CHECK(f.get("absent") == "new");
  CHECK(f.uut->ttl("absent") == no_expiry);
  write_options how;
  how.condition = write_condition::if_present;
  CHECK(f.uut->set("present", "new", how) == false);
  CHECK(f.get("present") == "<none>");
}

PROVIDER_CASE("of those that set a key if it is absent one does",
              "[writing][G1]") {
  fixture f{kind};
  for (int round = 0; round < 50; ++round) {
    const auto key = std::to_string(round);
    std::atomic<int> stored{0};
    std::atomic<int> winner{-1};
    crew(4, [&](int t) {
      const auto value = std::to_string(t);
      const auto done = t % 2 == 0
                          ? f.uut->set_if_absent(key, value)
                          : set_if_absent_async(*f.uut, key, value).get();
      if (done == true) {
        ++stored;
        winner = t;
      }
    });
    CHECK(stored == 1);
    CHECK(f.get(key) == std::to_string(winner));
  }
}

PROVIDER_CASE("a set may keep what is told of the entry that it replaces",
              "[writing]") {
  fixture f{kind, {.ttl = 2h}};
  const auto later = GENERATE(false, true);
  auto set = [&](const char* value, const write_options& how) {
    REQUIRE((later ? set_async(*f.uut, "k", value, how).get()
                   : f.uut->set("k", value, how))
            == true);
  };
  write_options first;
  first.ttl = 1h;
  first.idle = 30min;
  first.tags = {"red"};
  write_options keep;
  keep.keep_ttl = true;
  keep.ttl = 5h;
  keep.idle = 5h;
  // For a new entry its own times count.
  set("0", keep);
  CHECK(look_at(*f.uut, "k")->idle == 5h);
  auto written = f.during([&] { set("1", first); });
  set("2", keep);
  CHECK(f.get("k") == "2");
  const auto kept = look_at(*f.uut, "k");
  CHECK(kept->idle == 30min);
  CHECK(f.falls(kept->ttl_end, written, 1h));
  SECTION("the tags are kept, too") {
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("unless it names others") {
    keep.tags = {"blue"};
    set("3", keep);
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "3");
    REQUIRE(f.uut->invalidate_tag("blue"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("without that, nothing is kept") {
    written = f.during([&] { set("3", {}); });
    CHECK(look_at(*f.uut, "k")->idle == no_expiry);
    CHECK(f.ends("k", written, 2h));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "3");
  }
}

PROVIDER_CASE(
  "a batch of writes stores all, of two values for one key the later",
  "[writing]") {
  fixture f{kind, {.max_value_size = 1'000}};
  std::vector<std::string> keys;
  std::vector<key_value> items;
  for (int i = 0; i < 1'000; ++i)
    keys.push_back("key:" + std::to_string(i));
  for (auto& x : keys)
    items.push_back({x, x});
  items.push_back({keys[7], "later"});
  REQUIRE(f.uut->set_many(items));
  CHECK(f.uut->size() == 1'000);
  CHECK(f.get(keys[7]) == "later");
  CHECK(f.get(keys[8]) == keys[8]);
  CHECK(f.uut->set_many({}));
  // What is wrong with one is told before any is stored.
  const std::string large(1'001, 'x');
  const std::string long_key(f.uut->options().max_key_size + 1, 'k');
  const std::vector<key_value> too_large{{"fresh", "x"}, {"large", large}};
  CHECK(f.uut->set_many(too_large).error() == errc::value_too_large);
  const std::vector<key_value> too_long{{"fresh", "x"}, {long_key, "x"}};
  CHECK(f.uut->set_many(too_long).error() == errc::key_too_large);
  const std::vector<key_value> fresh{{"fresh", "x"}};
  write_options how;
  how.condition = write_condition::if_absent;
  CHECK(f.uut->set_many(fresh, how).error() == errc::invalid_argument);
  how = {};
  how.keep_ttl = true;
  CHECK(f.uut->set_many(fresh, how).error() == errc::invalid_argument);
  how = {};
  how.ttl = 0ms;
  CHECK(f.uut->set_many(fresh, how).error() == errc::invalid_argument);
  CHECK(f.get("fresh") == "<none>");
}

PROVIDER_CASE("a batch of writes has a TTL, an idle time and tags",
              "[writing]") {
  fixture f{kind};
  const std::vector<key_value> items{{"a", "1"}, {"b", "2"}};
  write_options how;
  how.ttl = 1h;
  how.idle = 30min;
  how.tags = {"red"};
  const auto written = f.during([&] { REQUIRE(f.uut->set_many(items, how)); });
  for (auto* key : {"a", "b"}) {
    CHECK(f.ends(key, written, 30min));
    CHECK(f.falls(look_at(*f.uut, key)->ttl_end, written, 1h));
  }
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "<none>");
}

PROVIDER_CASE("a compare-and-set stores over the version that it names alone",
              "[writing]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  auto compare_and_set = [&](version_number version, const char* value,
                             const write_options& how = {}) {
    return later ? future_of<std::optional<version_number>>([&](auto done) {
                     f.uut->compare_and_set_then(carried_key{bytes{"k"}},
                                                 version, value, how, done);
                   }).get()
                 : f.uut->compare_and_set("k", version, value, how);
  };
  CHECK(compare_and_set(1, "x") == std::nullopt);
  CHECK(f.get("k") == "<none>");
  const auto first = compare_and_set(no_version, "1");
  REQUIRE(first);
  REQUIRE(*first);
  CHECK(f.get("k") == "1");
  CHECK(version_of(*f.uut, "k") == **first);
  CHECK(compare_and_set(no_version, "x") == std::nullopt);
  CHECK(compare_and_set(**first + 1, "x") == std::nullopt);
  CHECK(f.get("k") == "1");
  CHECK(version_of(*f.uut, "k") == **first);
  const auto written = f.during([&] {
    const auto second = compare_and_set(**first, "2", {.ttl = 1h});
    REQUIRE(second);
    REQUIRE(*second);
    CHECK(**second > **first);
    CHECK(version_of(*f.uut, "k") == **second);
  });
  CHECK(compare_and_set(**first, "x") == std::nullopt);
  CHECK(f.get("k") == "2");
  CHECK(f.ends("k", written, 1h));
}

PROVIDER_CASE("a compare-and-set knows an entry that came again", "[writing]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "1"));
  const auto seen = version_of(*f.uut, "k");
  REQUIRE(f.uut->erase("k"));
  CHECK(f.uut->compare_and_set("k", seen, "x") == std::nullopt);
  REQUIRE(f.uut->set("k", "1"));
  CHECK(f.uut->compare_and_set("k", seen, "x") == std::nullopt);
  CHECK(f.uut->compare_and_erase("k", seen) == false);
  CHECK(f.get("k") == "1");
}

PROVIDER_CASE("a compare-and-set finds no expired entry", "[writing][expiry]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "1", {.ttl = f.units(1)}));
  auto seen = no_version;
  REQUIRE(f.uut->visit("k", [&](const entry_view& x) { seen = x.version; }));
  f.advance(f.units(1));
  if (seen != no_version)
    CHECK(f.uut->compare_and_set("k", seen, "x") == std::nullopt);
  CHECK(f.uut->compare_and_set("k", no_version, "2")->has_value());
  CHECK(f.get("k") == "2");
}

PROVIDER_CASE("a compare-and-erase removes the version that it names alone",
              "[writing]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  auto compare_and_erase = [&](version_number version) {
    return later ? future_of<bool>([&](auto done) {
                     f.uut->compare_and_erase_then(carried_key{bytes{"k"}},
                                                   version, done);
                   }).get()
                 : f.uut->compare_and_erase("k", version);
  };
  CHECK(compare_and_erase(7) == false);
  CHECK(compare_and_erase(no_version) == true);
  REQUIRE(f.uut->set("k", "1"));
  const auto version = version_of(*f.uut, "k");
  CHECK(compare_and_erase(no_version) == false);
  CHECK(compare_and_erase(version + 1) == false);
  CHECK(f.get("k") == "1");
  CHECK(compare_and_erase(version) == true);
  CHECK(f.get("k") == "<none>");
  CHECK(compare_and_erase(version) == false);
}

PROVIDER_CASE("what is stored is there however often it is compared",
              "[writing][G1]") {
  // Each thread counts by compare-and-set; no step may be lost.
  constexpr int threads = 3;
  constexpr int steps = 300;
  fixture f{kind};
  std::atomic<int> failed{0};
  crew(threads, [&](int) {
    for (int i = 0; i < steps;) {
      auto version = no_version;
      int value = 0;
      const auto found = f.uut->visit("n", [&](const entry_view& x) {
        version = x.version;
        value = std::stoi(bytes{x.value});
      });
      const auto stored
        = f.uut->compare_and_set("n", version, std::to_string(value + 1));
      if (!found || !stored) {
        ++failed;
        return;
      }
      i += *stored ? 1 : 0;
    }
  });
  CHECK(failed == 0);
  CHECK(f.get("n") == std::to_string(threads * steps));
}

PROVIDER_CASE(
  "each change gives its key a higher version, and what changes nothing "
  "gives none",
  "[writing]") {
  fixture f{kind};
  auto last = no_version;
  auto changed = [&] {
    const auto now = version_of(*f.uut, "k");
    const auto result = now > last;
    last = now;
    return result;
  };
  auto kept = [&] { return version_of(*f.uut, "k") == last; };
  auto transform = [&](const edit& next) {
    return f.uut->transform(
      "k", [&](const entry_view*) -> expected<edit> { return next; });
  };
  REQUIRE(f.uut->set("k", "1"));
  CHECK(changed());
  REQUIRE(f.uut->set("k", "1")); // The same value.
  CHECK(changed());
  REQUIRE(f.uut->increment("k"));
  CHECK(changed());
  REQUIRE(f.uut->touch("k", 1h));
  CHECK(changed());
  REQUIRE(f.uut->touch("k", 2h));
  CHECK(changed());
  REQUIRE(f.uut->touch("k", no_expiry));
  CHECK(changed());
  REQUIRE(f.uut->compare_and_set("k", last, "1"));
  CHECK(changed());
  REQUIRE(f.uut->update("k", [](auto) { return bytes{"2"}; }));
  CHECK(changed());
  REQUIRE(transform(edit::store("3")));
  CHECK(changed());
  REQUIRE(transform(edit::replace("4")));
  CHECK(changed());
  REQUIRE(transform(edit::append("5")));
  CHECK(changed());
  REQUIRE(transform(edit::touch(f.now() + 1h)));
  CHECK(changed());
  const std::array<key_value, 1> items{key_value{"k", "6"}};
  REQUIRE(f.uut->set_many(items));
  CHECK(changed());
  REQUIRE(set_async(*f.uut, "k", "7").get());
  CHECK(changed());

  CHECK(f.get("k") == "7");
  CHECK(f.uut->ttl("k") == no_expiry);
  CHECK(f.uut->contains("k") == true);
  CHECK(kept());
  CHECK(f.uut->set_if_absent("k", "x") == false);
  CHECK(kept());
  CHECK(f.uut->compare_and_set("k", last + 1, "x") == std::nullopt);
  CHECK(kept());
  REQUIRE(transform(edit::keep()));
  CHECK(kept());
  CHECK(f.uut->get_or_set("k", [](load_context&) { return "x"; }) == "7");
  CHECK(kept());
  REQUIRE(f.uut->set("other", "x"));
  CHECK(kept());

  // Nor does a version come again with the entry.
  REQUIRE(f.uut->erase("k"));
  REQUIRE(f.uut->set("k", "1"));
  CHECK(changed());
  REQUIRE(f.uut->clear());
  REQUIRE(f.uut->set("k", "1"));
  CHECK(changed());
  REQUIRE(f.uut->erase("k"));
  REQUIRE(f.uut->get_or_set("k", [](load_context&) { return "loaded"; }));
  CHECK(changed());
  REQUIRE(f.uut->set("k", "1", tagged({"red"})));
  CHECK(changed());
  REQUIRE(f.uut->invalidate_tag("red"));
  REQUIRE(f.uut->increment("k"));
  CHECK(changed());
}

PROVIDER_CASE("asynchronous calls do what blocking ones do", "[writing]") {
  fixture f{kind};
  CHECK(set_async(*f.uut, "a", "1").get() == true);
  CHECK(set_if_absent_async(*f.uut, "a", "2").get() == false);
  CHECK(increment_async(*f.uut, "a", 4).get() == 5);
  CHECK(touch_async(*f.uut, "a", 1h).get() == true);
  CHECK(touch_async(*f.uut, "other", 1h).get() == false);
  CHECK(get_or_set_async(*f.uut, "b", [](load_context&) { return "b"; }).get()
        == "b");
  auto updated = update_async(*f.uut, "a", [](std::optional<bytes_view> old) {
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(updated.get().value() == "5!");
  CHECK(erase_async(*f.uut, "a").get() == true);
  CHECK(erase_async(*f.uut, "a").get() == false);
  CHECK(f.uut->clear());
  CHECK(f.uut->size() == 0);
}
