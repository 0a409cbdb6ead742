// Bad input gets a clear error and changes nothing (G10).

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// The codes of all calls for a key, by their names.
std::map<std::string, errc> codes_for(fixture& f, const std::string& key,
                                      const std::string& value,
                                      const write_options& how = {}) {
  auto& x = *f.uut;
  std::map<std::string, errc> result;
  auto same = [&](std::optional<bytes_view>) -> loaded { return value; };
  auto code = [&](const char* call, const auto& outcome) {
    result[call] = code_of(outcome);
    if (!outcome)
      CHECK_FALSE(outcome.error().text().empty());
  };
  auto wait = [&]<class T>(const char* call, std::future<expected<T>> outcome) {
    code(call, outcome.get());
  };
  code("set", x.set(key, value, how));
  wait("set_then", set_async(x, key, value, how));
  code("set_if_absent", x.set_if_absent(key, value, how));
  const std::vector<key_value> items{{"fine", "x"}, {key, value}};
  code("set_many", x.set_many(items, how));
  code("compare_and_set", x.compare_and_set(key, no_version, value, how));
  wait("compare_and_set_then",
       future_of<std::optional<version_number>>([&](auto done) {
         x.compare_and_set_then(carried_key{bytes{key}}, no_version, value, how,
                                done);
       }));
  code("update", x.update(key, same, how));
  wait("update_then", update_async(x, key, same, how));
  code("get_or_set", x.get_or_set(key, bring(value), how));
  wait("get_or_set_then", get_or_set_async(x, key, bring(value), how));
  code("transform", x.transform(key, [&](const entry_view*) -> expected<edit> {
    return edit::store(value, how);
  }));
  return result;
}

/// The same of calls without a value.
std::map<std::string, errc> codes_for(fixture& f, const std::string& key) {
  auto& x = *f.uut;
  std::map<std::string, errc> result;
  auto code = [&](const char* call, const auto& outcome) {
    result[call] = code_of(outcome);
  };
  const std::vector<bytes_view> keys{"fine", key};
  auto nothing = [](auto&&...) {};
  code("visit", x.visit(key, nothing));
  code("visit_many", x.visit_many(keys, nothing));
  code("get", x.get(key));
  code("get_many", x.get_many(keys));
  code("contains", x.contains(key));
  code("ttl", x.ttl(key));
  code("get_then", future_of<std::optional<entry_copy>>([&](auto done) {
                     x.get_then(carried_key{bytes{key}}, lookup::use, done);
                   }).get());
  code("erase", x.erase(key));
  code("erase_then", erase_async(x, key).get());
  code("compare_and_erase", x.compare_and_erase(key, 1));
  code("compare_and_erase_then",
       future_of<bool>([&](auto done) {
         x.compare_and_erase_then(carried_key{bytes{key}}, 1, done);
       }).get());
  code("touch", x.touch(key, 1h));
  code("touch_then", touch_async(x, key, 1h).get());
  code("increment", x.increment(key));
  code("increment_then", increment_async(x, key).get());
  return result;
}

bool all_are(const std::map<std::string, errc>& codes, errc wanted) {
  auto result = true;
  for (auto& [call, code] : codes)
    if (code != wanted) {
      UNSCOPED_INFO(call << " answered " << to_string(code));
      result = false;
    }
  return result;
}

region_options small() {
  region_options result;
  result.max_key_size = 10;
  result.max_value_size = 20;
  return result;
}

} // namespace

PROVIDER_CASE("a key that is too large is refused by every call",
              "[bad input][G10]") {
  fixture f{kind, small()};
  const std::string key(11, 'k');
  CHECK(all_are(codes_for(f, key, "x"), errc::key_too_large));
  CHECK(all_are(codes_for(f, key), errc::key_too_large));
  CHECK(f.uut->size() == 0);
  const auto text = f.uut->get(key).error().text();
  CHECK(text.find("test") != std::string::npos);
  CHECK(text.find("10") != std::string::npos);
  const std::string longest(10, 'k');
  CHECK(f.uut->set(longest, std::string(20, 'v')) == true);
  CHECK(f.get(longest) == std::string(20, 'v'));
}

PROVIDER_CASE("a value that is too large is refused by every call",
              "[bad input][G10]") {
  fixture f{kind, small()};
  CHECK(
    all_are(codes_for(f, "k", std::string(21, 'v')), errc::value_too_large));
  CHECK(f.uut->size() == 0);
  // Over an entry, which stays; a load finds it and asks no loader.
  REQUIRE(f.uut->set("k", "old"));
  const auto before = look_at(*f.uut, "k");
  auto codes = codes_for(f, "k", std::string(21, 'v'));
  CHECK(codes["get_or_set"] == errc::none);
  CHECK(codes["get_or_set_then"] == errc::none);
  codes.erase("get_or_set");
  codes.erase("get_or_set_then");
  CHECK(all_are(codes, errc::value_too_large));
  CHECK(look_at(*f.uut, "k") == before);
  CHECK(f.uut->size() == 1);
}

PROVIDER_CASE("options that make no sense are refused by every call",
              "[bad input][G10]") {
  fixture f{kind};
  const auto present = GENERATE(false, true);
  if (present)
    REQUIRE(f.uut->set("k", "old"));
  const auto before = look_at(*f.uut, "k");
  tags too_many;
  for (std::size_t i = 0; i <= tags::most; ++i)
    too_many.add(std::to_string(i));
  const std::vector<write_options> bad{
    {.ttl = 0ms},
    {.ttl = -1ms},
    {.ttl = max_ttl + 1ms},
    {.idle = 0ms},
    {.idle = -1ms},
    {.idle = max_ttl + 1ms},
    {.jitter = -0.1},
    {.jitter = 1.0},
    {.jitter = std::numeric_limits<double>::quiet_NaN()},
    {.tags = too_many},
    {.tags = {std::string(tags::longest + 1, 't')}}};
  for (auto& how : bad)
    CHECK(all_are(codes_for(f, "k", "x", how), errc::invalid_argument));
  for (auto ttl : {0ms, -1ms, std::chrono::milliseconds{max_ttl} + 1ms}) {
    CHECK(f.uut->touch("k", ttl).error() == errc::invalid_argument);
    CHECK(touch_async(*f.uut, "k", ttl).get().error()
          == errc::invalid_argument);
  }
  CHECK(look_at(*f.uut, "k") == before);
  CHECK(f.uut->size() == (present ? 1 : 0));
}

PROVIDER_CASE("a condition where none counts is refused", "[bad input][G10]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "x"));
  for (auto condition :
       {write_condition::if_absent, write_condition::if_present}) {
    write_options how;
    how.condition = condition;
    auto codes = codes_for(f, "k", "changed", how);
    // These two take one.
    for (auto* call : {"set", "set_then"}) {
      CHECK(codes[call] == errc::none);
      codes.erase(call);
    }
    if (condition == write_condition::if_absent) {
      CHECK(codes["set_if_absent"] == errc::none);
      CHECK(f.get("k") == "x");
      codes.erase("set_if_absent");
    } else {
      REQUIRE(f.uut->set("k", "x"));
    }
    CHECK(all_are(codes, errc::invalid_argument));
  }
  write_options present;
  present.condition = write_condition::if_present;
  CHECK(f.uut->set_if_absent("other", "x", present).error()
        == errc::invalid_argument);
  CHECK(set_if_absent_async(*f.uut, "other", "x", present).get().error()
        == errc::invalid_argument);
  CHECK(f.get("k") == "x");
  CHECK(f.get("other") == "<none>");
}

PROVIDER_CASE("what a loader brings is refused as what a caller does",
              "[bad input][G10]") {
  fixture f{kind, small()};
  const std::string long_value(21, 'v');
  CHECK(f.uut->get_or_set("a", bring(long_value)).error()
        == errc::value_too_large);
  CHECK(f.uut
          ->get_or_set("a",
                       [](load_context& x) {
                         x.ttl(-1ms);
                         return "x";
                       })
          .error()
        == errc::invalid_argument);
  CHECK(f.uut->size() == 0);
}
