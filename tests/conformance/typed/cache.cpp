// What users of a cache write, on each provider.

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <troupe/actors/regions/transaction.hpp>

#include "conformance/typed/fixture.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using namespace conformance::typed;

namespace {

/// A value whose codec fails on demand.
struct fragile {
  int x = 0;
};

/// A value that cannot be copied.
struct unique {
  std::unique_ptr<int> x;
};

profile visit(std::optional<profile> old) {
  auto x = old.value_or(profile{"new", 0});
  ++x.visits;
  return x;
}

} // namespace

template <>
struct troupe::codec<fragile> {
  static expected<void> encode(const fragile& x, bytes& out) {
    if (x.x == 1)
      throw std::runtime_error("cannot write");
    if (x.x == 2)
      return fail(errc::encode_failed, "will not write");
    out = std::to_string(x.x);
    return {};
  }

  static expected<fragile> decode(bytes_view in) {
    if (in == "3")
      throw std::runtime_error("cannot read");
    return fragile{static_cast<int>(in.size())};
  }
};

template <>
struct troupe::codec<unique> {
  static expected<void> encode(const unique& x, bytes& out) {
    out = std::to_string(*x.x);
    return {};
  }

  static expected<unique> decode(bytes_view in) {
    return unique{std::make_unique<int>(std::stoi(std::string{in}))};
  }
};

PROVIDER_CASE("a cache stores, reads and erases values", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  CHECK(uut.get("42").absent());
  CHECK(uut.contains("42") == false);
  CHECK(uut.set("42", {"Ada", 1}) == true);
  CHECK(*uut.get("42") == profile{"Ada", 1});
  CHECK(uut.contains("42") == true);
  CHECK(*uut.ttl("42") == no_expiry);
  CHECK(uut.set_if_absent("42", {"Bob", 2}) == false);
  CHECK(uut.touch("42", 30ms) == true);
  f.advance(30ms);
  CHECK(uut.get("42").absent());
  CHECK(uut.set_if_absent("42", {"Bob", 2}) == true);
  CHECK(uut.erase("42") == true);
  CHECK(uut.erase("42") == false);
  REQUIRE(uut.set("1", {}));
  CHECK(uut.clear());
  CHECK(uut.contains("1") == false);
  CHECK(uut.name() == "profiles");
}

PROVIDER_CASE("a cache stores batches and forgets by tag", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  std::vector<std::pair<std::string, profile>> items{{"1", {"Ann", 1}},
                                                     {"2", {"Bob", 2}}};
  write_options how;
  how.tags = {"people"};
  CHECK(uut.set_many(items, how));
  CHECK(uut.get("2").value().name == "Bob");
  CHECK(uut.invalidate_tag("people"));
  CHECK(uut.contains("1") == false);
  CHECK(uut.set_many(items));
  CHECK(uut.get("1").value().name == "Ann");
}

PROVIDER_CASE("a cache has the limits and namespaces of its provider",
              "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  auto& below = uut.bytes_region()->provider();
  CHECK(uut.set("eu:1", {"Ann", 1}));
  if (below.limits() != nullptr)
    CHECK(uut.set_limits(1 << 20, 1));
  else
    CHECK(uut.set_limits(1 << 20, 1).error() == errc::unsupported);
  if (below.groups() == nullptr) {
    CHECK(uut.namespaces().empty());
    CHECK(uut.set_namespace_limits("eu:", 1 << 20, 7).error()
          == errc::unsupported);
    CHECK(uut.clear_namespace("eu:").error() == errc::unsupported);
    return;
  }
  region_options options;
  options.namespaces = {{"eu:", 0, 100, std::nullopt, 1}};
  uut = f.open<profile>("spaced", options);
  CHECK(uut.set("eu:1", {"Ann", 1}));
  CHECK(uut.set("us:1", {"Bob", 2}));
  REQUIRE(uut.namespaces().size() == 1);
  CHECK(uut.namespaces()[0].keys == 1);
  CHECK(uut.set_namespace_limits("eu:", 1 << 20, 7));
  CHECK(uut.namespaces()[0].max_entries == 7);
  CHECK(uut.clear_namespace("eu:"));
  CHECK(uut.contains("eu:1") == false);
  CHECK(uut.contains("us:1") == true);
}

PROVIDER_CASE("write options reach the provider", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  write_options how;
  how.ttl = 5h;
  how.condition = write_condition::if_present;
  CHECK(uut.set("k", {}, how) == false);
  how.condition = write_condition::always;
  CHECK(uut.set("k", {}, how) == true);
  auto left = [&] { return uut.ttl("k").value_or(ttl_duration{}); };
  CHECK(left() <= 5h);
  CHECK(left() > 4h);
  how.idle = 2h;
  CHECK(uut.set("k", {}, how) == true);
  CHECK(left() <= 2h);
  CHECK(left() > 1h);
  if (kind.exact_tick) {
    f.advance(1h);
    CHECK(uut.get("k"));
    CHECK(left() >= 2h);
  }
  how.idle = 0s;
  CHECK(uut.set("k", {}, how).error() == errc::invalid_argument);
  how.idle = std::nullopt;
  how.ttl = -1s;
  CHECK(uut.set("k", {}, how).error() == errc::invalid_argument);
}

PROVIDER_CASE("a cache reads many values at once", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  REQUIRE(uut.set("a", {"Ada", 1}));
  REQUIRE(uut.set("c", {"Cyd", 3}));
  auto got = uut.get_many(std::vector<std::string>{"a", "b", "c"});
  REQUIRE(got);
  CHECK((*got)[0] == profile{"Ada", 1});
  CHECK_FALSE((*got)[1]);
  CHECK((*got)[2] == profile{"Cyd", 3});
  CHECK(uut.get_many(std::array<const char*, 1>{"a"})->size() == 1);
  CHECK(uut.get_many(std::vector<bytes_view>{})->empty());
}

PROVIDER_CASE("a cache reads and changes several values as one step",
              "[cache][transactions]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  if (uut.bytes_region()->provider().joint_turns() == nullptr) {
    CHECK(uut.get_together({"a"}).error() == errc::unsupported);
    return;
  }
  REQUIRE(uut.set("c", {"Cyd", 3}));
  transaction both;
  both.set(uut, "a", {"Ada", 1}).set(uut, "b", {"Bob", 2}).erase(uut, "c");
  CHECK(both.commit() == true);
  auto got = uut.get_together({"a", "b", "c"});
  REQUIRE(got);
  CHECK((*got)[0] == profile{"Ada", 1});
  CHECK((*got)[1] == profile{"Bob", 2});
  CHECK_FALSE((*got)[2]);

  transaction of_none;
  of_none.erase(cache<profile>{}, "a");
  CHECK(of_none.commit().error() == errc::invalid_argument);
  CHECK(uut.get("a") == profile{"Ada", 1});
}

PROVIDER_CASE("many keys may be made while they are read", "[cache]") {
  fixture f{kind};
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

PROVIDER_CASE("a cache loads what is missing, once", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  std::atomic<int> runs{0};
  auto loader = [&](load_context& context) {
    ++runs;
    return profile{context.key(), 0};
  };
  CHECK(*uut.get_or_set("42", loader) == profile{"42", 0});
  CHECK(*uut.get_or_set("42", loader) == profile{"42", 0});
  CHECK(runs == 1);
  {
    verdict check;
    crew(8, [&](int t) {
      const auto value = t % 2 == 0 ? uut.get_or_set("43", loader)
                                    : uut.get_or_set_async("43", loader).get();
      check(value == profile{"43", 0});
    });
  }
  CHECK(runs == 2);
}

PROVIDER_CASE("a loader may find that there is no value", "[cache]") {
  fixture f{kind};
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

PROVIDER_CASE("a cache updates what is there and what is not", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  CHECK(*uut.update("42", visit) == profile{"new", 1});
  CHECK(*uut.update("42", visit) == profile{"new", 2});
  CHECK(*uut.update_async("42", visit).get() == profile{"new", 3});
  CHECK(*uut.get("42") == profile{"new", 3});
  CHECK(uut
          .update(
            "42",
            [](std::optional<profile>) -> std::optional<profile> { return {}; })
          .absent());
  CHECK(uut.contains("42") == false);
}

PROVIDER_CASE("no update of a cache is lost", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  constexpr int threads = 4;
  constexpr int rounds = 500;
  {
    verdict check;
    crew(threads, [&](int) {
      for (int n = 0; n < rounds; ++n)
        check(uut.update("k", visit).has_value());
    });
  }
  CHECK(uut.get("k")->visits == threads * rounds);
}

PROVIDER_CASE("integers are counted, as text or as numbers", "[cache]") {
  fixture f{kind};
  auto numbers = f.open<std::int64_t>("numbers");
  CHECK(numbers.increment("n") == 1);
  CHECK(numbers.increment("n", 41) == 42);
  CHECK(*numbers.get("n") == 42);
  REQUIRE(numbers.set("n", -1));
  CHECK(numbers.increment("n") == 0);
  auto texts = f.open<std::string>("texts");
  REQUIRE(texts.set("n", "7"));
  CHECK(texts.increment("n") == 8);
  CHECK(*texts.get("n") == "8");
  REQUIRE(texts.set("n", "seven"));
  CHECK(texts.increment("n").error() == errc::not_an_integer);
  CHECK(texts.increment_async("m").get() == 1);
}

namespace {

template <class V>
void count_to_the_ends(fixture& f, const char* name) {
  INFO(name);
  using limits = std::numeric_limits<V>;
  auto uut = f.open<V>(name);
  REQUIRE(uut.set("n", limits::max()));
  CHECK(uut.increment("n").error() == errc::integer_overflow);
  CHECK(uut.increment_async("n").get().error() == errc::integer_overflow);
  CHECK(uut.get("n") == limits::max());
  CHECK(uut.increment("n", -1) == static_cast<V>(limits::max() - 1));
  CHECK(uut.increment_async("n", 1).get() == limits::max());
  REQUIRE(uut.set("n", limits::min()));
  CHECK(uut.increment("n", -1).error() == errc::integer_overflow);
  CHECK(uut.get("n") == limits::min());
  CHECK(uut.increment("n", 1) == static_cast<V>(limits::min() + 1));
  CHECK(uut.increment("new", 7) == V{7});
  CHECK(uut.get("new") == V{7});
}

} // namespace

PROVIDER_CASE("an increment keeps within the range of its type", "[cache]") {
  fixture f{kind};
  count_to_the_ends<std::int8_t>(f, "int8");
  count_to_the_ends<std::uint8_t>(f, "uint8");
  count_to_the_ends<std::int16_t>(f, "int16");
  count_to_the_ends<std::uint16_t>(f, "uint16");
  count_to_the_ends<std::int32_t>(f, "int32");
  count_to_the_ends<std::uint32_t>(f, "uint32");
  count_to_the_ends<std::int64_t>(f, "int64");
  count_to_the_ends<std::uint64_t>(f, "uint64");
}

PROVIDER_CASE("no way to count leaves what the cache cannot read", "[cache]") {
  fixture f{kind};
  auto uut = f.open<std::uint8_t>("numbers");
  REQUIRE(uut.set("n", 250));
  CHECK(uut.bytes_region()->increment("n", 10).error()
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

PROVIDER_CASE(
  "a number that others left outside of the range can be counted back",
  "[cache]") {
  fixture f{kind};
  auto uut = f.open<std::uint8_t>("numbers");
  REQUIRE(uut.bytes_region()->set("n", "260"));
  CHECK(uut.get("n").error() == errc::decode_failed);
  CHECK(uut.increment("n").error() == errc::integer_overflow);
  CHECK(uut.increment("n", -10) == std::uint8_t{250});
  CHECK(uut.get("n") == std::uint8_t{250});
}

PROVIDER_CASE("everything can be asked for without waiting, too", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  CHECK(uut.set_async("a", {"Ada", 1}).get() == true);
  CHECK(uut.set_if_absent_async("a", {"Bob", 1}).get() == false);
  CHECK(*uut.get_async("a").get() == profile{"Ada", 1});
  CHECK(uut.get_async("none").get().absent());
  CHECK(uut.get_many_async(std::vector<std::string>{"a", "b"}).get()->size()
        == 2);
  CHECK(uut.contains_async("a").get() == true);
  CHECK(uut.contains_async("none").get() == false);
  CHECK(uut.touch_async("a", 3h).get() == true);
  CHECK(uut.ttl_async("a").get().value() <= 3h);
  CHECK(uut.ttl_async("a").get().value() > 2h);
  CHECK(uut.ttl_async("none").get().absent());
  CHECK(uut.get_or_set_async("c",
                             [] {
                               return profile{"Cyd", 0};
                             })
          .get()
          ->name
        == "Cyd");
  auto updated = uut.update_async("c", [](std::optional<profile> old) {
    ++old->visits;
    return *old;
  });
  CHECK(*updated.get() == profile{"Cyd", 1});
  CHECK(uut
          .update_async("c",
                        [](std::optional<profile>) -> profile {
                          throw std::runtime_error("no");
                        })
          .get()
          .error()
        == errc::update_failed);
  CHECK(uut.erase_async("a").get() == true);
  CHECK(uut.clear_async().get());
  CHECK(uut.contains("c") == false);
}

PROVIDER_CASE("a codec that fails or throws is an error of the call",
              "[cache]") {
  fixture f{kind};
  auto uut = f.open<fragile>();
  for (int bad : {1, 2}) {
    CHECK(uut.set("k", {bad}).error() == errc::encode_failed);
    CHECK(uut.set_async("k", {bad}).get().error() == errc::encode_failed);
    CHECK(uut.get_or_set("k", [=] { return fragile{bad}; }).error()
          == errc::encode_failed);
    CHECK(uut.get_or_set_async("k", [=] { return fragile{bad}; }).get().error()
          == errc::encode_failed);
    auto f2 = [=](std::optional<fragile>) { return fragile{bad}; };
    CHECK(uut.update("k", f2).error() == errc::encode_failed);
    CHECK(uut.update_async("k", f2).get().error() == errc::encode_failed);
  }
  CHECK(uut.contains("k") == false);
  REQUIRE(uut.set("k", {3}));
  CHECK(uut.get("k").error() == errc::decode_failed);
  CHECK(uut.get_many(std::array{"k"})->front().error() == errc::decode_failed);
  // The key is none the worse for it.
  CHECK(uut.erase("k") == true);
}

PROVIDER_CASE("values need not be copyable", "[cache]") {
  fixture f{kind};
  auto uut = f.open<unique>();
  REQUIRE(uut.set("k", {std::make_unique<int>(7)}));
  CHECK(*uut.get("k")->x == 7);
  CHECK(*uut.get_or_set("m", [] { return unique{std::make_unique<int>(8)}; })->x
        == 8);
  auto updated = uut.update("k", [](std::optional<unique> old) {
    ++*old->x;
    return std::move(*old);
  });
  CHECK(*updated->x == 8);
}

PROVIDER_CASE("every read of a cache is an instance of its own", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  REQUIRE(uut.set("k", {"Ada", 1}));
  auto first = *uut.get("k");
  first.visits = 99;
  CHECK(uut.get("k")->visits == 1);
}

PROVIDER_CASE("what a load refuses on a miss it refuses on a hit", "[cache]") {
  fixture f{kind};
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

// -- undecodable values ------------------------------------------------------------

namespace {

std::uint64_t undecodable(const auto& x) {
  return x.bytes_region()->stats().undecodable;
}

} // namespace

PROVIDER_CASE("an undecodable value does not poison its key", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  auto spoil = [&](const char* key) {
    REQUIRE(uut.bytes_region()->set(key, "rubbish"));
  };
  auto load = [] { return profile{"loaded", 0}; };
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

PROVIDER_CASE("an undecodable value is the result of its key alone",
              "[cache]") {
  fixture f{kind};
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

PROVIDER_CASE(
  "a load erases the undecodable value that it saw, and no newer one",
  "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  auto where = uut.bytes_region();
  REQUIRE(where->set("k", "rubbish"));
  auto seen = no_version;
  REQUIRE(where->visit("k", [&](const entry_view& x) { seen = x.version; }));
  REQUIRE(uut.set("k", {"newer", 1}));
  CHECK(where->compare_and_erase("k", seen) == false);
  CHECK(uut.get("k") == profile{"newer", 1});
}

PROVIDER_CASE("one that spoils a key again and again does not hang its loads",
              "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  auto where = uut.bytes_region();
  {
    verdict check;
    busy_crew spoiler{1, [&](unsigned) {
                        return [&] {
                          check(where->set("k", "rubbish").has_value());
                        };
                      }};
    for (int i = kind.rounds(200); i > 0; --i) {
      auto load = [] { return profile{"loaded", 0}; };
      auto now = uut.get_or_set("k", load);
      check(now == profile{"loaded", 0} || now.error() == errc::decode_failed);
      auto later = uut.get_or_set_async("k", load).get();
      check(later == profile{"loaded", 0}
            || later.error() == errc::decode_failed);
    }
  }
  CHECK(uut.get_or_set("k", [] { return profile{"at last", 0}; }));
}

// -- actors ------------------------------------------------------------------------

PROVIDER_CASE("a cache is also an actor", "[cache]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  REQUIRE(uut.set("k", {"Ada", 1}));
  auto reply = f.ask<get_reply>(uut.actor(), get_request{"k"});
  REQUIRE(reply);
  CHECK(decode<profile>(reply->value)->name == "Ada");
  auto encoded = encode(profile{"Bob", 2});
  CHECK(f.ask<bool>(uut.actor(), set_request{"k", *encoded, {}}) == true);
  CHECK(uut.get("k")->name == "Bob");
  CHECK(f.ask<bool>(uut.actor(), contains_request{"k"}) == true);
  CHECK(f.ask<bool>(uut.actor(), erase_request{"k"}) == true);
  CHECK(f.ask<get_reply>(uut.actor(), get_request{"k"})->found == false);
}

PROVIDER_CASE("a cache may outlive its runtime", "[cache]") {
  std::optional<cache<profile>> uut;
  {
    fixture f{kind};
    uut = f.open<profile>("profiles");
    REQUIRE(uut->set("k", {"Ada", 1}));
  }
  CHECK(uut->set("k", {}).error() == errc::shutting_down);
  CHECK(uut->erase_async("k").get().error() == errc::shutting_down);
  CHECK(uut->get_or_set("new", [] { return profile{}; }).error()
        == errc::shutting_down);
  CHECK(uut->get_or_set_async("new", [] { return profile{}; }).get().error()
        == errc::shutting_down);
  CHECK(uut->update_async("k", [](std::optional<profile> x) { return *x; })
          .get()
          .error()
        == errc::shutting_down);
  CHECK_FALSE(uut->actor());
  CHECK(uut->get("k").error() == errc::shutting_down);
}
