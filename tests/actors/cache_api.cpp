// What users of a cache write, and what it must not be taken for.

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <troupe/actors/cache.hpp>
#include <troupe/messages/caf/inspect_codec.hpp>

#include "actors/fixture.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct profile {
  std::string name;
  int visits = 0;

  friend bool operator==(const profile&, const profile&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, profile& x) {
  return f(x.name, x.visits);
}

struct fixture : runtime_fixture {
  template <class V>
  cache<V> open(const std::string& name = "profiles") {
    auto result = uut->open<V>(name, {});
    REQUIRE(result);
    opened.push_back(result->bytes_region());
    return *result;
  }
};

std::uint64_t undecodable(const auto& x) {
  return x.bytes_region()->stats().undecodable;
}

template <class Loader>
constexpr bool loads = detail::loader_of<Loader, profile>;

template <class F>
constexpr bool updates = detail::updater_of<F, profile>;

} // namespace

// -- results -----------------------------------------------------------------------

TEST_CASE("a result is true as a condition when it happened, and only then") {
  fixture f;
  auto uut = f.open<profile>();
  if (uut.get("k"))
    FAIL("a miss is not true");
  if (uut.erase("k"))
    FAIL("nothing was erased");
  if (uut.contains("k"))
    FAIL("there is nothing");
  if (uut.touch("k", 1s))
    FAIL("nothing was touched");
  if (uut.ttl("k"))
    FAIL("there is no TTL");
  CHECK(uut.set("k", {"Ada", 1}));
  CHECK(uut.get("k"));
  CHECK(uut.contains("k"));
  CHECK(uut.ttl("k"));
  CHECK(uut.touch("k", 1s));
  CHECK_FALSE(uut.set_if_absent("k", {}));
  CHECK(uut.set_if_absent("k", {}).no());
  write_options how;
  how.condition = write_condition::if_present;
  CHECK_FALSE(uut.set("other", {}, how));
  CHECK(uut.erase("k"));
  auto long_key = std::string(100'000, 'x');
  CHECK(uut.get(long_key).failed());
  CHECK(uut.erase(long_key).failed());
  CHECK(uut.contains(long_key).error() == errc::key_too_large);
  CHECK(uut.ttl(long_key).failed());
}

// -- empty handles -----------------------------------------------------------------

TEST_CASE("an empty cache answers every call with an error") {
  cache<int> uut;
  CHECK_FALSE(uut);
  auto empty = [](const auto& result) {
    return result.error() == errc::invalid_argument
           && result.error().text().find("this cache is empty") == 0;
  };
  CHECK(uut.name().empty());
  CHECK(uut.bytes_region() == nullptr);
  CHECK_FALSE(uut.actor());
  CHECK(uut.namespaces().empty());
  CHECK(empty(uut.get("k")));
  CHECK(empty(uut.get_many({"k"})));
  CHECK(empty(uut.get_together({"k"})));
  CHECK(empty(uut.contains("k")));
  CHECK(empty(uut.ttl("k")));
  CHECK(empty(uut.set("k", 1)));
  CHECK(empty(uut.set_if_absent("k", 1)));
  CHECK(empty(uut.erase("k")));
  CHECK(empty(uut.touch("k", 1s)));
  CHECK(empty(uut.increment("k")));
  CHECK(empty(uut.set_many({})));
  CHECK(empty(uut.clear()));
  CHECK(empty(uut.invalidate_tag("t")));
  CHECK(empty(uut.set_limits(0, 0)));
  CHECK(empty(uut.set_namespace_limits("n", 0, 0)));
  CHECK(empty(uut.clear_namespace("n")));
  CHECK(empty(uut.get_or_set("k", [] { return 1; })));
  CHECK(empty(uut.update("k", [](std::optional<int>) { return 1; })));
  CHECK(empty(uut.get_async("k").get()));
  CHECK(empty(uut.get_many_async({"k"}).get()));
  CHECK(empty(uut.contains_async("k").get()));
  CHECK(empty(uut.ttl_async("k").get()));
  CHECK(empty(uut.set_async("k", 1).get()));
  CHECK(empty(uut.set_if_absent_async("k", 1).get()));
  CHECK(empty(uut.erase_async("k").get()));
  CHECK(empty(uut.touch_async("k", 1s).get()));
  CHECK(empty(uut.increment_async("k").get()));
  CHECK(empty(uut.clear_async().get()));
  CHECK(empty(uut.get_or_set_async("k", [] { return 1; }).get()));
  CHECK(
    empty(uut.update_async("k", [](std::optional<int>) { return 1; }).get()));
  fixture f;
  uut = f.open<int>();
  CHECK(uut);
  CHECK(uut.set("k", 1));
}

// -- options -----------------------------------------------------------------------

TEST_CASE("an empty brace for options means the defaults") {
  fixture f;
  auto opened = f.uut->open<profile>("braces", {});
  REQUIRE(opened);
  auto uut = *opened;
  CHECK(uut.set("k", {}, {}));
  CHECK(uut.get("k") == profile{});
  CHECK(uut.set_if_absent("m", {}, {}));
  CHECK(uut.get_or_set("n", [] { return profile{}; }, {}));
  CHECK(uut.update("n", [](std::optional<profile> x) { return x; }, {}));
  CHECK(uut.set_many({}, {}));
  CHECK(uut.set_async("k", {}, {}).get());
  CHECK(uut.set_if_absent_async("o", {}, {}).get());
  CHECK(uut.get_or_set_async("n", [] { return profile{}; }, {}).get());
  CHECK(uut.update_async("n", [](std::optional<profile> x) { return x; }, {})
          .get());
  CHECK(uut.get_many({})->empty());
  write_options how{.ttl = {}, .idle = {}, .jitter = {}, .tags = {}};
  how.tags = {};
  CHECK(uut.set("k", {}, how));
  CHECK(uut.ttl("k") == no_expiry);
  auto where = uut.bytes_region();
  CHECK(where->set("b", "1", {}));
  CHECK(where->set("b", {}, {}));
  CHECK(where->set_if_absent("c", {}, {}));
  CHECK(where->compare_and_set("d", no_version, {}, {}));
  CHECK(where->set_many({}, {}));
  CHECK(f.uut->open_region("bytes", {}));
  CHECK(f.uut->open_region("bytes", {}, {}));
  CHECK(f.uut->open<profile>("given", {.load_timeout = {}, .op_timeout = {}}));
}

TEST_CASE("an option equal to the built-in default beats the configuration") {
  runtime_options options;
  options.op_timeout = 77ms;
  options.load_timeout = 88ms;
  runtime_fixture f{options};
  auto open = [&](const char* name, const region_options& own) {
    return (*f.uut->open_region(name, own))->options();
  };
  auto chosen = open("chosen", {.load_timeout = defaults::load_timeout,
                                .op_timeout = defaults::op_timeout});
  CHECK(chosen.load_timeout == defaults::load_timeout);
  CHECK(chosen.op_timeout == defaults::op_timeout);
  auto left = open("left", {});
  CHECK(left.load_timeout == 88ms);
  CHECK(left.op_timeout == 77ms);
  // Opened again, both are what they are.
  CHECK(f.uut->open_region("left", {.load_timeout = 88ms}));
  CHECK(
    f.uut->open_region("left", {.load_timeout = defaults::load_timeout}).error()
    == errc::invalid_argument);
  CHECK(f.uut->open_region("chosen", {}).error() == errc::invalid_argument);
}

TEST_CASE("what a load refuses on a miss it refuses on a hit") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("hit", {"Ada", 1}));
  auto refused = [&](const write_options& how) {
    bool all = true;
    for (auto* key : {"hit", "miss"}) {
      auto loader = [] { return profile{}; };
      all
        = all
          && uut.get_or_set(key, loader, how).error() == errc::invalid_argument
          && uut.get_or_set_async(key, loader, how).get().error()
               == errc::invalid_argument;
    }
    return all;
  };
  CHECK(refused({.ttl = 0ms}));
  CHECK(refused({.idle = -1ms}));
  CHECK(refused({.jitter = 1.0}));
  CHECK(refused({.condition = write_condition::if_absent}));
  CHECK(refused({.condition = write_condition::if_present}));
  CHECK_FALSE(uut.contains("miss"));
  CHECK(uut.get("hit") == profile{"Ada", 1});
}

TEST_CASE("set_if_absent refuses the opposite condition") {
  fixture f;
  auto uut = f.open<profile>();
  write_options how;
  how.condition = write_condition::if_present;
  CHECK(uut.set_if_absent("k", {}, how).error() == errc::invalid_argument);
  CHECK(uut.set_if_absent_async("k", {}, how).get().error()
        == errc::invalid_argument);
  CHECK_FALSE(uut.contains("k"));
  how.condition = write_condition::if_absent;
  CHECK(uut.set_if_absent("k", {}, how));
}

// -- integers ----------------------------------------------------------------------

TEMPLATE_TEST_CASE("an increment keeps within the range of its type", "",
                   std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                   std::int32_t, std::uint32_t, std::int64_t, std::uint64_t) {
  using limits = std::numeric_limits<TestType>;
  fixture f;
  auto uut = f.open<TestType>("numbers");
  REQUIRE(uut.set("n", limits::max()));
  CHECK(uut.increment("n").error() == errc::integer_overflow);
  CHECK(uut.increment_async("n").get().error() == errc::integer_overflow);
  CHECK(uut.get("n") == limits::max());
  CHECK(uut.increment("n", -1) == static_cast<TestType>(limits::max() - 1));
  CHECK(uut.increment_async("n", 1).get() == limits::max());
  REQUIRE(uut.set("n", limits::min()));
  CHECK(uut.increment("n", -1).error() == errc::integer_overflow);
  CHECK(uut.get("n") == limits::min());
  CHECK(uut.increment("n", 1) == static_cast<TestType>(limits::min() + 1));
  CHECK(uut.increment("new", 7) == TestType{7});
  CHECK(uut.get("new") == TestType{7});
}

TEST_CASE("no way to count leaves what the cache cannot read") {
  fixture f;
  auto uut = f.open<std::uint8_t>("numbers");
  REQUIRE(uut.set("n", 250));
  CHECK(uut.bytes_region()->increment("n", 10).error()
        == errc::integer_overflow);
  CHECK(increment_async(*uut.bytes_region(), "n", 10).get().error()
        == errc::integer_overflow);
  CHECK(f.ask<std::int64_t>(uut.actor(), increment_request{"n", 10}).error()
        == errc::integer_overflow);
  CHECK(f.ask<std::int64_t>(uut.actor(), increment_request{"n", 5}) == 255);
  CHECK(uut.get("n") == std::uint8_t{255});
  // A message's sum is an std::int64_t.
  auto large = f.open<std::uint64_t>("large");
  constexpr auto half = std::uint64_t{1} << 63;
  REQUIRE(large.set("n", half - 1));
  CHECK(f.ask<std::int64_t>(large.actor(), increment_request{"n", 1}).error()
        == errc::integer_overflow);
  CHECK(large.increment("n") == half);
  CHECK(f.ask<std::int64_t>(large.actor(), increment_request{"n", -1})
        == std::numeric_limits<std::int64_t>::max());
  // Values that are no integers have no sums.
  auto profiles = f.open<profile>();
  CHECK(profiles.bytes_region()->increment("n").error()
        == errc::not_an_integer);
  CHECK(f.ask<std::int64_t>(profiles.actor(), increment_request{"n", 1}).error()
        == errc::not_an_integer);
  CHECK_FALSE(profiles.contains("n"));
}

TEST_CASE(
  "a number that others left outside of the range can be counted back") {
  fixture f;
  auto uut = f.open<std::uint8_t>("numbers");
  REQUIRE(uut.bytes_region()->set("n", "260"));
  CHECK(uut.get("n").error() == errc::decode_failed);
  CHECK(uut.increment("n").error() == errc::integer_overflow);
  CHECK(uut.increment("n", -10) == std::uint8_t{250});
  CHECK(uut.get("n") == std::uint8_t{250});
}

// -- undecodable values ------------------------------------------------------------

TEST_CASE("an undecodable value does not poison its key") {
  fixture f;
  auto uut = f.open<profile>();
  auto spoil = [&](const char* key) {
    REQUIRE(uut.bytes_region()->set(key, "rubbish"));
  };
  auto load = [] { return profile{"loaded", 0}; };
  auto visit = [](std::optional<profile> old) {
    auto x = old.value_or(profile{"new", 0});
    ++x.visits;
    return x;
  };
  spoil("k");
  CHECK(uut.get("k").error() == errc::decode_failed);
  CHECK(undecodable(uut) == 1);
  CHECK(uut.get_or_set("k", load) == profile{"loaded", 0});
  CHECK(undecodable(uut) == 2);
  CHECK(uut.get("k") == profile{"loaded", 0});
  spoil("k");
  CHECK(uut.get_or_set_async("k", load).get() == profile{"loaded", 0});
  CHECK(uut.get("k") == profile{"loaded", 0});
  CHECK(undecodable(uut) == 3);
  spoil("k");
  CHECK(uut.update("k", visit) == profile{"new", 1});
  CHECK(uut.get("k") == profile{"new", 1});
  CHECK(undecodable(uut) == 4);
  spoil("k");
  CHECK(uut.update_async("k", visit).get() == profile{"new", 1});
  CHECK(undecodable(uut) == 5);
  spoil("k");
  CHECK(uut
          .update("k",
                  [](std::optional<profile> old) {
                    CHECK_FALSE(old);
                    return std::optional<profile>{};
                  })
          .absent());
  CHECK_FALSE(uut.contains("k"));
}

TEST_CASE("an undecodable value is the result of its key alone") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("good", {"Ada", 1}));
  REQUIRE(uut.bytes_region()->set("bad", "rubbish"));
  auto got = uut.get_many({"good", "bad", "none", "good"});
  REQUIRE(got);
  CHECK((*got)[0] == profile{"Ada", 1});
  CHECK((*got)[1].error() == errc::decode_failed);
  CHECK((*got)[2].absent());
  CHECK((*got)[3] == profile{"Ada", 1});
  CHECK(undecodable(uut) == 1);
}

TEST_CASE("a load erases the undecodable value that it saw, and no newer one") {
  fixture f;
  auto uut = f.open<profile>();
  auto where = uut.bytes_region();
  REQUIRE(where->set("k", "rubbish"));
  auto seen = no_version;
  REQUIRE(where->visit("k", [&](const entry_view& x) { seen = x.version; }));
  REQUIRE(uut.set("k", {"newer", 1}));
  CHECK(where->compare_and_erase("k", seen) == false);
  CHECK(uut.get("k") == profile{"newer", 1});
}

TEST_CASE("one that spoils a key again and again does not hang its loads") {
  fixture f;
  auto uut = f.open<profile>();
  auto where = uut.bytes_region();
  verdict check;
  std::atomic<int> spoilt{0};
  std::jthread spoiler{[&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      check(where->set("k", "rubbish").has_value());
      ++spoilt;
    }
  }};
  eventually([&] { return spoilt > 0; });
  for (int i = 0; i < 200; ++i) {
    auto load = [] { return profile{"loaded", 0}; };
    auto now = uut.get_or_set("k", load);
    check(now == profile{"loaded", 0} || now.error() == errc::decode_failed);
    auto later = uut.get_or_set_async("k", load).get();
    check(later == profile{"loaded", 0}
          || later.error() == errc::decode_failed);
  }
  spoiler.request_stop();
  spoiler.join();
  CHECK(uut.get_or_set("k", [] { return profile{"at last", 0}; }));
}

// -- shapes of functions -----------------------------------------------------------

TEST_CASE("a loader may take the key, the context, both or nothing") {
  fixture f;
  auto uut = f.open<profile>();
  CHECK(uut
          .get_or_set("a",
                      [](std::string_view key) {
                        return profile{std::string{key}, 0};
                      })
          ->name
        == "a");
  CHECK(
    uut.get_or_set("b",
                   [](const std::string& key) {
                     return profile{key, 0};
                   })
      ->name
    == "b");
  CHECK(uut
          .get_or_set("c",
                      [](std::string key, load_context& context) {
                        context.ttl(7s);
                        return profile{key, 0};
                      })
          ->name
        == "c");
  CHECK(uut.ttl("c") == 7s);
  CHECK(uut
          .get_or_set("d",
                      [](auto& context) {
                        return profile{context.key(), 0};
                      })
          ->name
        == "d");
  CHECK(uut
          .get_or_set_async("e",
                            [](std::string_view key) {
                              return profile{std::string{key}, 0};
                            })
          .get()
          ->name
        == "e");
}

TEST_CASE("a loader may find that there is no value") {
  fixture f;
  auto uut = f.open<profile>();
  using optional = std::optional<profile>;
  CHECK(uut.get_or_set("a", [] { return optional{}; }).absent());
  CHECK(uut.get_or_set("a", []() -> expected<optional> { return optional{}; })
          .absent());
  CHECK(uut.get_or_set_async("a", [] { return optional{}; }).get().absent());
  CHECK(uut.get_or_set("a", [&] { return uut.get("none"); }).absent());
  CHECK_FALSE(uut.contains("a"));
  CHECK(uut.get_or_set("a", [] {
    return optional{profile{"x", 1}};
  }) == profile{"x", 1});
  CHECK(uut.get_or_set("b", []() -> expected<optional> {
    return optional{profile{"y", 1}};
  }) == profile{"y", 1});
  CHECK(uut.get_or_set("c", [] { return fail(errc::load_failed, "no row"); })
          .error()
          .text()
        == "no row");
  // Values that are optional themselves.
  auto nested = f.open<std::optional<int>>("nested");
  auto empty = nested.get_or_set("k", [] { return std::optional<int>{}; });
  REQUIRE(empty.has_value());
  CHECK_FALSE(*empty);
  CHECK(nested.contains("k"));
}

TEST_CASE("an update function may take the key") {
  fixture f;
  auto uut = f.open<profile>();
  auto name = [](std::string_view key, std::optional<profile> old) {
    auto x = old.value_or(profile{std::string{key}, 0});
    ++x.visits;
    return x;
  };
  CHECK(uut.update("k", name) == profile{"k", 1});
  CHECK(uut.update_async("k", name).get() == profile{"k", 2});
  CHECK(uut.update("k", [](const std::string& key, std::optional<profile>) {
    return profile{key + key, 0};
  }) == profile{"kk", 0});
  CHECK(uut.update("k", [&](std::optional<profile>) { return uut.get("none"); })
          .absent());
  CHECK_FALSE(uut.contains("k"));
}

TEST_CASE("functions of other shapes are no loaders and no update functions") {
  STATIC_REQUIRE(loads<profile (*)()>);
  STATIC_REQUIRE(loads<profile (*)(load_context&)>);
  STATIC_REQUIRE(loads<maybe<profile> (*)(std::string_view)>);
  STATIC_REQUIRE(
    loads<expected<std::optional<profile>> (*)(std::string, load_context&)>);
  STATIC_REQUIRE_FALSE(loads<int (*)()>);
  STATIC_REQUIRE_FALSE(loads<void (*)()>);
  STATIC_REQUIRE_FALSE(loads<profile (*)(int)>);
  STATIC_REQUIRE_FALSE(loads<profile (*)(load_context&, std::string)>);
  STATIC_REQUIRE_FALSE(loads<expected<int> (*)()>);
  STATIC_REQUIRE_FALSE(loads<int>);
  STATIC_REQUIRE(updates<profile (*)(std::optional<profile>)>);
  STATIC_REQUIRE(updates<profile (*)(const std::optional<profile>&)>);
  STATIC_REQUIRE(
    updates<maybe<profile> (*)(std::string, std::optional<profile>)>);
  STATIC_REQUIRE_FALSE(updates<profile (*)(profile)>);
  STATIC_REQUIRE_FALSE(updates<profile (*)(profile&)>);
  STATIC_REQUIRE_FALSE(updates<void (*)(std::optional<profile>)>);
  STATIC_REQUIRE_FALSE(updates<profile (*)()>);
}

// -- keys --------------------------------------------------------------------------

TEST_CASE("many keys may be made while they are read") {
  fixture f;
  auto uut = f.open<int>("numbers");
  auto name = [](int x) {
    return "a key that is long enough to be allocated: " + std::to_string(x);
  };
  for (int i = 0; i < 40; ++i)
    REQUIRE(uut.set(name(i), i));
  auto keys = std::views::iota(0, 40) | std::views::transform(name);
  for (auto& got :
       {uut.get_many(keys), uut.get_many(std::as_const(keys)),
        uut.get_many_async(keys).get(),
        uut.get_many(std::views::iota(0, 40) | std::views::transform(name))}) {
    REQUIRE(got);
    REQUIRE(got->size() == 40);
    for (int i = 0; i < 40; ++i)
      CHECK((*got)[static_cast<std::size_t>(i)] == i);
  }
}
