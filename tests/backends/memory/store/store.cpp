#include <troupe/backends/memory/store/store.hpp>

#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::store;
using update_outcome;

namespace {

struct fixture {
  explicit fixture(ttl_duration ttl = no_expiry, double jitter = 0.0)
    : uut(options(ttl, jitter)) {
    // nop
  }

  // Every test ends with a look at the table's structure.
  ~fixture() {
    CHECK(uut.entries().validate() == "");
  }

  memory::store_options options(ttl_duration ttl, double jitter) {
    memory::store_options x;
    x.time = &time;
    x.shared.forgotten = forgotten;
    x.ttl = ttl;
    x.jitter = jitter;
    x.seed = 4711;
    return x;
  }

  static hashed_key key(const char* text) {
    return {text, hash_key(text)};
  }

  std::string get(const char* text) {
    std::string result = "<none>";
    uut.read(key(text), [&](const entry_view& x) { result = x.value; });
    return result;
  }

  version_number version(const char* text) {
    auto result = no_version;
    uut.read(key(text), [&](const entry_view& x) { result = x.version; });
    return result;
  }

  bool set(const char* text, bytes_view value, write_options how = {}) {
    auto stored = uut.set(key(text), value, how);
    REQUIRE(stored);
    return *stored;
  }

  bool invalidate(const char* tag) {
    return forgotten->tags().invalidate(tag);
  }

  bool granted(const char* text, load_id id) {
    auto decision = uut.acquire_load(key(text), id);
    REQUIRE(decision);
    auto* granted = std::get_if<load_granted>(&*decision);
    if (granted != nullptr)
      born = granted->born;
    return granted != nullptr;
  }

  bool commit(const char* text, load_id id, bytes_view value) {
    auto outcome = uut.commit_load(key(text), id, born, value, {});
    REQUIRE(outcome);
    return outcome->stored;
  }

  manual_clock time;
  std::shared_ptr<memory::invalidations> forgotten
    = std::make_shared<memory::invalidations>();
  store uut;
  std::uint64_t born = 0; ///< Of the load that was granted last.
};

} // namespace

// -- plain writes --------------------------------------------------------------

TEST_CASE("a conditional set looks at live entries only", "[store]") {
  fixture f;
  CHECK(!f.set("a", "1", {.condition = write_condition::if_present}));
  CHECK(f.set("a", "1", {.ttl = 1s, .condition = write_condition::if_absent}));
  CHECK(!f.set("a", "2", {.condition = write_condition::if_absent}));
  CHECK(f.get("a") == "1");
  f.time.advance(1s);
  CHECK(f.get("a") == "<none>");
  CHECK(!f.set("a", "3", {.condition = write_condition::if_present}));
  CHECK(f.set("a", "4", {.condition = write_condition::if_absent}));
  CHECK(f.get("a") == "4");
}

TEST_CASE("an entry is gone at its deadline, not before", "[store]") {
  fixture f{10ms};
  f.set("a", "1");
  f.set("b", "1", {.ttl = 20ms});
  f.set("c", "1", {.ttl = no_expiry});
  f.time.advance(10ms - 1ns);
  CHECK(f.get("a") == "1");
  f.time.advance(1ns);
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "1");
  CHECK(f.uut.erase(f.key("a")) == false);
  CHECK(f.uut.touch(f.key("a"), 1s) == false);
  f.time.advance(1h);
  CHECK(f.get("b") == "<none>");
  CHECK(f.get("c") == "1");
}

TEST_CASE("a set with keep_ttl keeps the deadline", "[store]") {
  fixture f{1min};
  f.set("a", "1", {.ttl = 10ms});
  f.set("a", "2", {.ttl = 1h, .keep_ttl = true});
  CHECK(f.get("a") == "2");
  f.time.advance(10ms);
  CHECK(f.get("a") == "<none>");
  f.set("a", "3", {.ttl = 1h, .keep_ttl = true});
  f.time.advance(59min);
  CHECK(f.get("a") == "3");
}

TEST_CASE("touch moves the deadline and takes a version", "[store]") {
  fixture f{10ms};
  f.set("a", "1");
  auto before = f.version("a");
  CHECK(f.uut.touch(f.key("a"), 1s) == true);
  CHECK(f.version("a") > before);
  f.time.advance(999ms);
  CHECK(f.get("a") == "1");
  CHECK(f.uut.touch(f.key("a"), no_expiry) == true);
  f.time.advance(24h);
  CHECK(f.get("a") == "1");
  CHECK(f.uut.entries().expiring() == 0);
}

TEST_CASE("jitter shortens the TTL evenly within its band", "[store]") {
  fixture f{1000ms, 0.2};
  constexpr int n = 4'000;
  std::array<int, 10> histogram{};
  auto start = f.time.now();
  for (int i = 0; i < n; ++i) {
    f.set("a", "1");
    auto deadline = never;
    f.uut.read(f.key("a"), [&](const entry_view& x) { deadline = x.deadline; });
    auto ttl = deadline - start;
    REQUIRE(ttl > 800ms);
    REQUIRE(ttl <= 1000ms);
    ++histogram[static_cast<std::size_t>((1000ms - ttl) / 20ms)];
  }
  // 400 expected per tenth; five standard deviations are 95.
  for (auto x : histogram)
    CHECK(std::abs(x - n / 10) < 95);
}

TEST_CASE("every committed change takes a higher version", "[store]") {
  fixture f;
  f.set("a", "1");
  auto first = f.version("a");
  f.set("a", "1");
  auto second = f.version("a");
  CHECK(second > first);
  auto third = f.uut.compare_and_set(f.key("a"), second, "2", {});
  REQUIRE(third);
  REQUIRE(*third);
  CHECK(**third > second);
  CHECK(f.version("a") == **third);
}

TEST_CASE("compare_and_set stores over the named version only", "[store]") {
  fixture f;
  CHECK(f.uut.compare_and_set(f.key("a"), 7, "1", {})->has_value() == false);
  auto made = f.uut.compare_and_set(f.key("a"), no_version, "1", {});
  REQUIRE(made->has_value());
  CHECK(!f.uut.compare_and_set(f.key("a"), no_version, "2", {})->has_value());
  CHECK(f.uut.compare_and_set(f.key("a"), **made, "2", {})->has_value());
  CHECK(!f.uut.compare_and_set(f.key("a"), **made, "3", {})->has_value());
  CHECK(f.get("a") == "2");
  CHECK(f.uut.compare_and_erase(f.key("a"), **made) == false);
  CHECK(f.uut.compare_and_erase(f.key("a"), f.version("a")) == true);
  CHECK(f.uut.compare_and_erase(f.key("a"), no_version) == true);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("increment keeps within the range it is given", "[store]") {
  fixture f;
  constexpr integer_range byte{0, 255, true};
  CHECK(f.uut.increment(f.key("n"), 250, byte) == 250);
  CHECK(f.uut.increment(f.key("n"), 5, byte) == 255);
  CHECK(f.uut.increment(f.key("n"), 1, byte).error() == errc::integer_overflow);
  CHECK(f.get("n") == "255");
  CHECK(f.uut.increment(f.key("n"), -256, byte).error()
        == errc::integer_overflow);
  CHECK(f.uut.increment(f.key("n"), -255, byte) == 0);
  CHECK(f.uut.increment(f.key("none"), -1, byte).error()
        == errc::integer_overflow);
  CHECK(f.get("none") == "<none>");
  // A number that others left outside of the range is a number all the same.
  f.set("n", "300");
  CHECK(f.uut.increment(f.key("n"), -44, byte).error()
        == errc::integer_overflow);
  CHECK(f.get("n") == "300");
  CHECK(f.uut.increment(f.key("n"), -45, byte) == 255);
  f.set("n", "-7");
  CHECK(f.uut.increment(f.key("n"), 8, byte) == 1);
}

TEST_CASE("increment counts unsigned integers of 64 bits", "[store]") {
  fixture f;
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  constexpr integer_range all{0, most, true};
  auto add = [&](std::int64_t delta) -> expected<std::uint64_t> {
    return f.uut.increment(f.key("n"), delta, all).map([](std::int64_t x) {
      return static_cast<std::uint64_t>(x);
    });
  };
  f.set("n", "9223372036854775807");
  CHECK(add(1) == std::uint64_t{1} << 63);
  CHECK(f.get("n") == "9223372036854775808");
  f.set("n", "18446744073709551614");
  CHECK(add(1) == most);
  CHECK(f.get("n") == "18446744073709551615");
  CHECK(add(1).error() == errc::integer_overflow);
  CHECK(add(std::numeric_limits<std::int64_t>::min())
        == (std::uint64_t{1} << 63) - 1);
  // Beyond 64 bits, as far as one can write.
  f.set("n", "18446744073709551616");
  CHECK(add(-1) == most);
  for (const auto& huge : {std::string(40, '9'), "-" + std::string(60'000, '1'),
                           std::string{"-18446744073709551616"}}) {
    f.set("n", huge);
    CHECK(add(-1).error() == errc::integer_overflow);
    CHECK(add(1).error() == errc::integer_overflow);
    CHECK(f.get("n") == huge);
  }
  for (const auto* text : {"", "-", "01", "-0", "1x", "99999999999999999999x"}) {
    f.set("n", text);
    CHECK(add(1).error() == errc::not_an_integer);
  }
  // To text, what is outside of std::int64_t is no number.
  f.set("n", "9223372036854775808");
  CHECK(f.uut.increment(f.key("n"), -1).error() == errc::not_an_integer);
}

TEST_CASE("increment adds, keeps the deadline and refuses what is no integer",
          "[store]") {
  fixture f{1s};
  CHECK(f.uut.increment(f.key("n"), 5) == 5);
  f.time.advance(600ms);
  CHECK(f.uut.increment(f.key("n"), -7) == -2);
  CHECK(f.get("n") == "-2");
  f.time.advance(400ms); // The deadline of the first increment.
  CHECK(f.get("n") == "<none>");
  for (auto* bad : {"", "x", "1x", " 1", "1 ", "+1", "1.5", "01", "-0",
                    "9223372036854775808"}) {
    f.set("n", bad);
    auto before = f.version("n");
    auto outcome = f.uut.increment(f.key("n"), 1);
    REQUIRE(!outcome);
    CHECK(outcome.error() == errc::not_an_integer);
    CHECK(f.get("n") == bad);
    CHECK(f.version("n") == before);
  }
  f.set("n", std::to_string(std::numeric_limits<std::int64_t>::max()));
  CHECK(f.uut.increment(f.key("n"), 1).error() == errc::integer_overflow);
  CHECK(f.uut.increment(f.key("n"), -1)
        == std::numeric_limits<std::int64_t>::max() - 1);
  f.set("n", std::to_string(std::numeric_limits<std::int64_t>::min()));
  CHECK(f.uut.increment(f.key("n"), -1).error() == errc::integer_overflow);
}

TEST_CASE("a store does what a simple model does", "[store]") {
  struct model_entry {
    std::string value;
    time_point deadline;
  };
  fixture f{50ms};
  std::map<std::string, model_entry> model;
  std::minstd_rand random{1};
  auto live = [&](const std::string& key) {
    auto i = model.find(key);
    return i != model.end() && f.time.now() < i->second.deadline;
  };
  for (int i = 0; i < 50'000; ++i) {
    auto key = std::to_string(random() % 200);
    auto* k = key.c_str();
    switch (random() % 8) {
      case 0: {
        CHECK(f.uut.erase(f.key(k)) == live(key));
        model.erase(key);
        break;
      }
      case 1: {
        auto ttl = std::chrono::milliseconds{1 + random() % 100};
        auto was = live(key);
        CHECK(f.uut.touch(f.key(k), ttl) == was);
        if (was)
          model[key].deadline = f.time.now() + ttl;
        break;
      }
      case 2: {
        auto was = live(key);
        auto old = was ? std::stoll(model[key].value) : 0;
        CHECK(f.uut.increment(f.key(k), 3) == old + 3);
        model[key] = {std::to_string(old + 3),
                      was ? model[key].deadline : f.time.now() + 50ms};
        break;
      }
      case 3: {
        auto was = live(key);
        CHECK(f.set(k, "1", {.condition = write_condition::if_absent}) == !was);
        if (!was)
          model[key] = {"1", f.time.now() + 50ms};
        break;
      }
      case 4:
        f.time.advance(std::chrono::milliseconds{random() % 5});
        break;
      case 5:
        f.uut.sweep();
        break;
      default:
        f.set(k, std::to_string(i));
        model[key] = {std::to_string(i), f.time.now() + 50ms};
    }
    if (f.get(k) != (live(key) ? model[key].value : "<none>"))
      FAIL("step " << i << " differs for " << key);
    if (i % 10'000 == 9'999) {
      CHECK(f.uut.entries().validate() == "");
      REQUIRE(f.uut.clear());
      model.clear();
    }
  }
}

// -- load leases (G3) -----------------------------------------------------------

TEST_CASE("one load at a time holds a key's lease", "[store][loads]") {
  fixture f;
  CHECK(f.granted("a", 1));
  auto second = f.uut.acquire_load(f.key("a"), 2);
  REQUIRE(std::holds_alternative<load_joined>(*second));
  CHECK(std::get<load_joined>(*second).id == 1);
  CHECK(f.granted("b", 3));
  CHECK(f.commit("a", 1, "loaded"));
  auto third = f.uut.acquire_load(f.key("a"), 4);
  REQUIRE(std::holds_alternative<load_hit>(*third));
  CHECK(std::get<load_hit>(*third).value == "loaded");
}

TEST_CASE("a change after a load began voids its commit", "[store][loads]") {
  fixture f;
  f.set("a", "5", {.ttl = 1ms});
  f.time.advance(1ms);
  REQUIRE(f.granted("a", 1));
  auto* expected = "<none>";
  SECTION("erase, though there is nothing to erase") {
    CHECK(f.uut.erase(f.key("a")) == false);
  }
  SECTION("set") {
    f.set("a", "set");
    expected = "set";
  }
  SECTION("set_if_absent") {
    f.set("a", "set", {.condition = write_condition::if_absent});
    expected = "set";
  }
  SECTION("compare_and_set") {
    REQUIRE(*f.uut.compare_and_set(f.key("a"), no_version, "set", {}));
    expected = "set";
  }
  SECTION("increment") {
    REQUIRE(f.uut.increment(f.key("a"), 1));
    expected = "1";
  }
  SECTION("clear") {
    REQUIRE(f.uut.clear());
  }
  SECTION("an update under a lease that begins") {
    REQUIRE(f.uut.begin_update(f.key("a"), 9));
    REQUIRE(f.uut.abandon_update(f.key("a"), 9));
  }
  CHECK(f.uut.holds_load(f.key("a"), 1) == false);
  CHECK(!f.commit("a", 1, "stale"));
  CHECK(f.get("a") == expected);
}

TEST_CASE("what does not change a key leaves its load alone",
          "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  f.set("b", "other key");
  CHECK(!f.set("a", "x", {.condition = write_condition::if_present}));
  CHECK(f.uut.touch(f.key("a"), 1s) == false);
  CHECK(!*f.uut.compare_and_set(f.key("a"), 77, "x", {}));
  CHECK(f.commit("a", 1, "loaded"));
  CHECK(f.get("a") == "loaded");
}

TEST_CASE("after an erase a new load gets the lease and the old one nothing",
          "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  REQUIRE(f.uut.erase(f.key("a")));
  REQUIRE(f.granted("a", 2));
  CHECK(!f.commit("a", 1, "stale"));
  CHECK(f.uut.holds_load(f.key("a"), 2) == true);
  CHECK(f.commit("a", 2, "fresh"));
  CHECK(f.get("a") == "fresh");
}

TEST_CASE("a released lease is free again", "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  REQUIRE(f.uut.release_load(f.key("a"), 1));
  CHECK(!f.commit("a", 1, "late"));
  CHECK(f.granted("a", 2));
}

TEST_CASE("an entry that is touched keeps its tags in use", "[store][tags]") {
  fixture f;
  auto& tags = f.forgotten->tags();
  write_options how;
  how.ttl = 1min;
  how.tags = {"x"};
  f.set("k", "1", how);
  REQUIRE(f.uut.touch(fixture::key("k"), 1min) == true);
  // Names without an entry, until one more has the oldest of them forgotten.
  for (const auto one = tags.bytes();
       tags.bytes() + one <= memory::tag_registry::most_idle_bytes;)
    REQUIRE(tags.invalidate("name " + std::to_string(tags.size())));
  how.tags = {"x", "y"};
  f.set("k", "2", how);
  REQUIRE(f.uut.touch(fixture::key("k"), 1min) == true);
  std::vector<std::uint32_t> uses;
  f.uut.entries().count_tags(uses);
  CHECK(tags.validate(uses) == "");
  REQUIRE(tags.invalidate("x"));
  CHECK(f.get("k") == "<none>");
}

// -- update leases ----------------------------------------------------------------

TEST_CASE("an update under a lease stores over what it read",
          "[store][updates]") {
  fixture f;
  f.set("a", "1");
  auto began = f.uut.begin_update(f.key("a"), 7);
  REQUIRE(began);
  CHECK(began->value == "1");
  CHECK(f.uut.updates().held("a"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::stored);
  CHECK(f.get("a") == "2");
  CHECK(!f.uut.updates().held("a"));
}

TEST_CASE("a blind write overtakes an update and stays", "[store][updates]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  auto* expected = "<none>";
  SECTION("set") {
    f.set("a", "blind");
    expected = "blind";
  }
  SECTION("erase") {
    REQUIRE(f.uut.erase(f.key("a")));
  }
  SECTION("clear") {
    REQUIRE(f.uut.clear());
  }
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {})
        == update_outcome::overtaken);
  CHECK(f.get("a") == expected);
}

TEST_CASE("a load does not commit into an update", "[store][updates]") {
  fixture f;
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  REQUIRE(f.granted("a", 1));
  CHECK(!f.commit("a", 1, "loaded"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::stored);
  CHECK(f.get("a") == "2");
}

TEST_CASE("an overdue update lease is lost", "[store][updates]") {
  fixture f;
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  f.time.advance(defaults::op_timeout);
  f.uut.sweep();
  CHECK(!f.uut.updates().held("a"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::lost);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("an update counts as before an invalidation only of what had not expired",
          "[store][updates]") {
  fixture f;
  write_options tagged;
  tagged.tags.add("t");
  tagged.ttl = 20ms;
  auto begin = [&](std::uint64_t token) {
    f.set("k", "1", tagged);
    auto began = f.uut.begin_update(fixture::key("k"), token);
    REQUIRE(began);
    CHECK(began->value == "1");
  };
  auto commit = [&](std::uint64_t token) {
    return f.uut.commit_update(fixture::key("k"), token, "2", tagged);
  };
  begin(1);
  REQUIRE(f.invalidate("t"));
  CHECK(commit(1) == update_outcome::overtaken);
  // A reader may have found the key absent before the invalidation.
  begin(2);
  f.time.advance(21ms);
  REQUIRE(f.invalidate("t"));
  CHECK(commit(2) == update_outcome::changed);
  CHECK(f.get("k") == "<none>");
}

TEST_CASE("an update may erase", "[store][updates]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  CHECK(f.uut.commit_update(f.key("a"), 7, std::nullopt, {})
        == update_outcome::stored);
  CHECK(f.get("a") == "<none>");
}

// -- transforms ----------------------------------------------------------------

TEST_CASE("a transform sees the live entry and does what it is told",
          "[store]") {
  fixture f{1min};
  auto with = [&](edit next) {
    std::string seen = "<none>";
    auto done = f.uut.transform(f.key("a"), [&](const entry_view* present) {
      if (present != nullptr)
        seen = present->value;
      return expected<edit>{next};
    });
    REQUIRE(done);
    return seen;
  };
  CHECK(with(edit::keep()) == "<none>");
  CHECK(with(edit::touch(never)) == "<none>");
  CHECK(f.uut.version() == no_version);
  CHECK(with(edit::replace("1")) == "<none>");
  CHECK(with(edit::keep()) == "1");
  CHECK(with(edit::store("2", {.ttl = 10ms})) == "1");
  CHECK(with(edit::replace("3")) == "2");
  f.time.advance(10ms);
  CHECK(with(edit::replace("4")) == "<none>");
  f.time.advance(1min - 1ns);
  CHECK(with(edit::touch(f.time.now() + 5ms)) == "4");
  f.time.advance(4ms);
  CHECK(with(edit::store_until("5", f.time.now() + 1ms)) == "4");
  CHECK(with(edit::touch(never)) == "5");
  f.time.advance(1h);
  CHECK(with(edit::erase()) == "5");
  CHECK(with(edit::erase()) == "<none>");
  CHECK(f.uut.entries().size() == 0);
}

TEST_CASE("an error of a transform changes nothing", "[store]") {
  fixture f;
  f.set("a", "1");
  auto before = f.uut.version();
  auto done = f.uut.transform(f.key("a"),
                              [](const entry_view*) -> expected<edit> {
                                return fail(errc::invalid_argument);
                              });
  REQUIRE(!done);
  CHECK(done.error() == errc::invalid_argument);
  CHECK(f.uut.version() == before);
  CHECK(f.get("a") == "1");
}

TEST_CASE("a transform voids the lease of a load like every change",
          "[store]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  auto erased = f.uut.transform(f.key("a"), [](const entry_view*) {
    return expected<edit>{edit::erase()};
  });
  CHECK(erased);
  CHECK(!f.commit("a", 1, "late"));
  REQUIRE(f.granted("a", 2));
  auto kept = f.uut.transform(f.key("a"), [](const entry_view*) {
    return expected<edit>{edit::keep()};
  });
  CHECK(kept);
  CHECK(f.commit("a", 2, "in time"));
}
