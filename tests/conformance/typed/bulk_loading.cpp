// How users of a cache load several keys with one loader, on each provider.

#include <atomic>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "conformance/typed/fixture.hpp"
#include "test_gate.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using namespace conformance::typed;

namespace {

using keys_type = std::vector<std::string>;

std::vector<profile> profiles_of(const keys_type& keys) {
  std::vector<profile> result;
  for (const auto& key : keys)
    result.push_back({"name " + key, static_cast<int>(key.size())});
  return result;
}

/// A value that cannot be copied.
struct only_moved {
  std::unique_ptr<int> x;
};

} // namespace

template <>
struct troupe::codec<only_moved> {
  static expected<void> encode(const only_moved& x, bytes& out) {
    if (*x.x < 0)
      return fail(errc::encode_failed, "negative");
    out = std::to_string(*x.x);
    return {};
  }

  static expected<only_moved> decode(bytes_view in) {
    if (in == "bad")
      throw std::runtime_error{"no number"};
    return only_moved{std::make_unique<int>(std::stoi(std::string{in}))};
  }
};

PROVIDER_CASE("one loader brings all absent keys of a call", "[cache][bulk]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  REQUIRE(uut.set("there", {"Ada", 1}));
  std::vector<keys_type> calls;
  const auto load = [&](const keys_type& missing) {
    calls.push_back(missing);
    return profiles_of(missing);
  };
  const auto got = uut.get_or_load_many({"b", "there", "a", "b"}, load);
  REQUIRE(got);
  REQUIRE(got->size() == 4);
  CHECK(got->at(0).value->name == "name b");
  CHECK(got->at(0).origin == load_origin::loaded);
  CHECK(got->at(1).value->name == "Ada");
  CHECK(got->at(1).origin == load_origin::hit);
  CHECK(got->at(2).value->name == "name a");
  CHECK(got->at(3).value->name == "name b");
  CHECK(calls == std::vector<keys_type>{{"b", "a"}});
  CHECK(uut.get("a")->name == "name a");
  keys_type numbers;
  for (int i = 0; i < 1000; ++i)
    numbers.push_back(std::to_string(i));
  const auto many = uut.get_or_set_many(numbers, load);
  REQUIRE(many);
  REQUIRE(many->size() == 1000);
  for (std::size_t i = 0; i < many->size(); ++i)
    CHECK(many->at(i)->name == "name " + std::to_string(i));
  CHECK(calls.size() == 2);
  // All are there.
  CHECK(
    uut.get_or_set_many(std::list<std::string>{"a", "999"}, load)->at(1)->name
    == "name 999");
  CHECK(calls.size() == 2);
}

PROVIDER_CASE("a loader of several keys may return vectors, maps and errors",
              "[cache][bulk]") {
  fixture f{kind};
  auto uut = f.open<int>();
  const auto text = [](const auto& x) {
    return !x ? x.error().text()
           : x->size() != 2
             ? "wrong size"
             : (x->at(0) ? std::to_string(*x->at(0)) : "none") + ","
                 + (x->at(1) ? std::to_string(*x->at(1)) : "none");
  };
  const auto get = [&](auto loader) {
    REQUIRE(uut.clear());
    const auto first = text(uut.get_or_set_many({"a", "b"}, loader));
    REQUIRE(uut.clear());
    CHECK(text(uut.get_or_set_many_async({"a", "b"}, loader).get()) == first);
    return first;
  };
  CHECK(get([](const keys_type&) { return std::vector<int>{1, 2}; }) == "1,2");
  CHECK(get([](const auto&, bulk_context&) {
          return std::vector<std::optional<int>>{std::nullopt, 2};
        })
        == "none,2");
  CHECK(get([](keys_type) {
          return std::vector<maybe<int>>{1, maybe<int>{}};
        })
        == "1,none");
  CHECK(get([](const keys_type&) {
          return std::map<std::string, int>{{"b", 2}, {"unasked", 3}};
        })
        == "none,2");
  CHECK(get([](const keys_type&) {
          return std::unordered_map<std::string, std::optional<int>>{
            {"a", 1}, {"b", std::nullopt}};
        })
        == "1,none");
  CHECK(get([](const keys_type&) -> expected<std::vector<int>> {
          return std::vector<int>{1, 2};
        })
        == "1,2");
  CHECK(get([](const keys_type&) -> expected<std::map<std::string, int>> {
          return std::map<std::string, int>{{"a", 1}};
        })
        == "1,none");
  // What the loader only refers to is not changed.
  const std::vector<int> kept{7, 8};
  CHECK(get([&](const keys_type&) -> const std::vector<int>& { return kept; })
        == "7,8");
  CHECK(kept == std::vector<int>{7, 8});
}

PROVIDER_CASE("errors of a loader of several keys belong to their keys",
              "[cache][bulk]") {
  fixture f{kind};
  auto uut = f.open<int>();
  REQUIRE(uut.set("there", 1));
  const auto failing = uut.get_or_set_many(
    {"a", "there"}, [](const keys_type&) -> expected<std::vector<int>> {
      return fail(errc::load_failed, "down");
    });
  REQUIRE(failing);
  CHECK(failing->at(0).error() == errc::load_failed);
  CHECK(*failing->at(1) == 1);
  const auto throwing = uut.get_or_set_many(
    {"a", "there"}, [](const keys_type&) -> std::vector<int> {
      throw std::runtime_error{"thrown"};
    });
  REQUIRE(throwing);
  CHECK(throwing->at(0).error().text().find("thrown") != std::string::npos);
  const auto few = uut.get_or_set_many(
    {"a", "b"}, [](const keys_type&) { return std::vector<int>{1}; });
  REQUIRE(few);
  CHECK(few->at(0).error() == errc::load_failed);
  CHECK(few->at(1).error().text().find("1 values for 2 keys")
        != std::string::npos);
  const auto one = uut.get_or_set_many({"a", "b"}, [](const keys_type&) {
    std::vector<expected<int>> result{fail(errc::load_failed, "one"), 2};
    return result;
  });
  REQUIRE(one);
  CHECK(one->at(0).error() == errc::load_failed);
  CHECK(*one->at(1) == 2);
  CHECK(uut.contains("a") == false);
  // Of the whole call.
  const auto nothing = [](const keys_type&) { return std::vector<int>{}; };
  write_options conditional;
  conditional.condition = write_condition::if_absent;
  CHECK(uut.get_or_set_many({"there"}, nothing, conditional).error()
        == errc::invalid_argument);
  CHECK(uut.get_or_set_many_async({"there"}, nothing, conditional).get().error()
        == errc::invalid_argument);
  const std::string long_key(1 << 22, 'k');
  CHECK(uut.get_or_set_many({"a", bytes_view{long_key}}, nothing).error()
        == errc::key_too_large);
  CHECK(cache<int>{}.get_or_set_many({"a"}, nothing).error()
        == errc::invalid_argument);
  CHECK(cache<int>{}.get_or_set_many_async({"a"}, nothing).get().error()
        == errc::invalid_argument);
  CHECK(uut.get_or_set_many({}, nothing)->empty());
}

PROVIDER_CASE("a loader of several values that cannot be copied",
              "[cache][bulk]") {
  fixture f{kind};
  auto uut = f.open<only_moved>();
  auto owned = std::make_unique<int>(40);
  const auto got = uut.get_or_set_many(
    {"a", "b"}, [owned = std::move(owned)](const keys_type& missing) {
      std::vector<only_moved> result;
      for (std::size_t i = 0; i < missing.size(); ++i)
        result.push_back({std::make_unique<int>(*owned + static_cast<int>(i))});
      return result;
    });
  REQUIRE(got);
  CHECK(*got->at(1)->x == 41);
  const auto negative = uut.get_or_set_many({"c", "d"}, [](const keys_type&) {
    std::map<std::string, only_moved> result;
    result["c"] = {std::make_unique<int>(-1)};
    result["d"] = {std::make_unique<int>(1)};
    return result;
  });
  REQUIRE(negative);
  CHECK(negative->at(0).error() == errc::encode_failed);
  CHECK(*negative->at(1)->x == 1);
}

PROVIDER_CASE("unreadable entries count as absent for a loader of several keys",
              "[cache][bulk]") {
  fixture f{kind};
  region_options options;
  if (GENERATE(false, true))
    options.fail_safe = 1h;
  auto uut = f.open<only_moved>("numbers", options);
  auto& below = *uut.bytes_region();
  for (const auto* key : {"a", "b", "c"})
    REQUIRE(below.set(key, key[0] == 'b' ? "2" : "bad"));
  const auto load = [](const keys_type& missing) {
    std::vector<only_moved> result;
    for (std::size_t i = 0; i < missing.size(); ++i)
      result.push_back({std::make_unique<int>(7)});
    return result;
  };
  const auto later = GENERATE(false, true);
  const auto got = later
                     ? uut.get_or_set_many_async({"a", "b", "c"}, load).get()
                     : uut.get_or_set_many({"a", "b", "c"}, load);
  REQUIRE(got);
  CHECK(*got->at(0)->x == 7);
  CHECK(*got->at(1)->x == 2);
  CHECK(*got->at(2)->x == 7);
  CHECK(*uut.get("a")->x == 7);
  CHECK(below.stats().undecodable >= 2);
}

PROVIDER_CASE("a loader of several keys chooses tags and times for each",
              "[cache][bulk]") {
  fixture f{kind};
  auto uut = f.open<profile>();
  write_options how;
  how.tags = {"every"};
  REQUIRE(uut.get_or_set_many(
    {"a", "b", "c"},
    [](const keys_type& missing, bulk_context& context) {
      context.tag(0, "first");
      context.tag("b", "second");
      context.store("c", false);
      return profiles_of(missing);
    },
    how));
  CHECK(uut.contains("a") == true);
  CHECK(uut.contains("c") == false);
  REQUIRE(uut.invalidate_tag("first"));
  CHECK(uut.contains("a") == false);
  CHECK(uut.contains("b") == true);
  REQUIRE(uut.invalidate_tag("every"));
  CHECK(uut.contains("b") == false);
}

PROVIDER_CASE("a bulk load without waiting ends with the runtime",
              "[cache][bulk]") {
  test_gate door;
  std::future<expected<std::vector<maybe<int>>>> got;
  cache<int> uut;
  {
    fixture f{kind};
    uut = f.open<int>();
    got = uut.get_or_set_many_async({"a", "b"}, [&](const keys_type&) {
      door.pass();
      return std::vector<int>{1, 2};
    });
    door.await_arrival();
    door.open();
    CHECK(*got.get()->at(1) == 2);
  }
  CHECK(uut
          .get_or_set_many({"a"},
                           [](const keys_type&) { return std::vector<int>{1}; })
          .error()
        == errc::shutting_down);
}
