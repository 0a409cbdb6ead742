#include <troupe/messages/types/result.hpp>

#include <memory>
#include <string>
#include <type_traits>

#include "catch.hpp"

using namespace troupe;

namespace {

expected<int> half(int x) {
  if (x % 2 != 0)
    return fail(errc::invalid_argument, std::to_string(x) + " is odd");
  return x / 2;
}

maybe<std::string> find(int x) {
  if (x == 0)
    return std::nullopt;
  if (x < 0)
    return fail(errc::timeout, "too late");
  return std::string(static_cast<std::size_t>(x), 'x');
}

yes_or_no ask(int x) {
  if (x < 0)
    return fail(errc::timeout, "too late");
  return x > 0;
}

std::string thrown_by(const auto& f) {
  try {
    f();
  } catch (const bad_result& e) {
    return e.what();
  }
  return {};
}

} // namespace

TEST_CASE("the value of an expected of nothing can be asked for") {
  expected<void> done;
  done.value();
  expected<void> failed = fail(errc::timeout, "too late");
  CHECK(thrown_by([&] { failed.value(); }) == "timeout: too late");
  CHECK(thrown_by([&] { half(3).value(); }) == "invalid_argument: 3 is odd");
  CHECK(half(4).value() == 2);
  try {
    half(3).value();
    FAIL("nothing was thrown");
  } catch (const bad_result& e) {
    CHECK(e.error() == errc::invalid_argument);
  }
}

TEST_CASE("an expected passes values and errors on") {
  CHECK(half(8).and_then(half).and_then(half) == 1);
  CHECK(half(6).and_then(half).and_then(half).error().text() == "3 is odd");
  CHECK(half(4).map([](int x) { return std::to_string(x); })
        == std::string{"2"});
  CHECK(half(4).map([](int) {}).has_value());
  CHECK(half(3).map([](int) {}).error() == errc::invalid_argument);
  auto owned = half(4)
                 .map([](int x) { return std::make_unique<int>(x); })
                 .and_then([](std::unique_ptr<int>&& x) -> expected<int> {
                   return *x + 1;
                 });
  CHECK(owned == 3);
  // What converts implicitly does so inside of an expected, too.
  expected<long> wide = half(4);
  CHECK(wide == 2);
  CHECK(half(4) == half(5).value_or(2));
  CHECK(half(3) == half(5));
  CHECK_FALSE(half(3) == half(4));
}

TEST_CASE("a maybe is true for a value only") {
  CHECK(find(1));
  CHECK_FALSE(find(0));
  CHECK_FALSE(find(-1));
  CHECK(maybe<bool>{false});
  CHECK(*maybe<bool>{false} == false);
  CHECK(find(0).absent());
  CHECK(find(0).ok());
  CHECK_FALSE(find(0).failed());
  CHECK(find(-1).failed());
  CHECK_FALSE(find(-1).ok());
  CHECK_FALSE(find(-1).absent());
  CHECK(find(2).ok());
  CHECK_FALSE(find(2).absent());
  CHECK(maybe<int>{}.absent());
}

TEST_CASE("a maybe has an error or none") {
  CHECK(find(-1).error() == errc::timeout);
  CHECK(find(-1).error().text() == "too late");
  CHECK(find(0).error() == errc::none);
  CHECK(find(1).error() == errc::none);
  const auto kept = find(1);
  CHECK(kept.error() == errc::none);
}

TEST_CASE("reading what a maybe does not have throws its error's text") {
  CHECK(find(2).value() == "xx");
  CHECK(*find(2) == "xx");
  CHECK(find(2)->size() == 2);
  CHECK(thrown_by([] { static_cast<void>(find(-1).value()); })
        == "timeout: too late");
  CHECK(thrown_by([] { static_cast<void>(*find(-1)); }) == "timeout: too late");
  CHECK(thrown_by([] {
          static_cast<void>(find(0)->size());
        }).find("the value is absent")
        == 0);
  CHECK(find(0).value_or("none") == "none");
  CHECK(find(-1).value_or("none") == "none");
  CHECK(find(1).value_or("none") == "x");
}

TEST_CASE("a maybe compares with values") {
  CHECK(find(2) == "xx");
  CHECK(find(2) != "x");
  CHECK(find(0) != "");
  CHECK(find(-1) != "");
  CHECK(find(0) == std::nullopt);
  CHECK(find(-1) != std::nullopt);
  CHECK(find(2) != std::nullopt);
  CHECK(find(0) == find(0));
  CHECK(find(0) != find(-1));
}

TEST_CASE("a maybe becomes an expected optional and back") {
  expected<std::optional<std::string>> hit = find(1);
  CHECK(**hit == "x");
  expected<std::optional<std::string>> miss = find(0);
  CHECK_FALSE(*miss);
  expected<std::optional<std::string>> bad = find(-1);
  CHECK(bad.error() == errc::timeout);
  CHECK(maybe<std::string>{hit} == "x");
  CHECK(maybe<std::string>{miss}.absent());
  CHECK(maybe<std::string>{bad}.failed());
  CHECK(maybe<int>{std::optional<int>{}}.absent());
  CHECK(maybe<int>{std::optional<int>{3}} == 3);
  // One whose value is optional itself.
  maybe<std::optional<int>> nested{std::optional<int>{}};
  CHECK(nested.has_value());
  CHECK_FALSE(*nested);
}

TEST_CASE("a maybe holds what cannot be copied") {
  maybe<std::unique_ptr<int>> x = std::make_unique<int>(7);
  auto y = std::move(x);
  CHECK(**y == 7);
  y.emplace(std::make_unique<int>(8));
  CHECK(*std::move(y).value() == 8);
  maybe<std::unique_ptr<int>> failed = fail(errc::timeout);
  failed.emplace(std::make_unique<int>(9));
  CHECK(**failed == 9);
}

TEST_CASE("a yes or no is true for yes only") {
  CHECK(ask(1));
  CHECK_FALSE(ask(0));
  CHECK_FALSE(ask(-1));
  CHECK(ask(1).yes());
  CHECK(ask(0).no());
  CHECK_FALSE(ask(-1).no());
  CHECK(ask(-1).failed());
  CHECK(ask(0).ok());
  CHECK(ask(-1).error().text() == "too late");
  CHECK(ask(0).error() == errc::none);
  CHECK(ask(1).value());
  CHECK_FALSE(ask(0).value());
  CHECK(thrown_by([] { static_cast<void>(ask(-1).value()); })
        == "timeout: too late");
  CHECK(ask(-1).value_or(true));
}

TEST_CASE("a yes or no compares with answers") {
  CHECK(ask(1) == true);
  CHECK(ask(0) == false);
  CHECK(ask(0) != true);
  CHECK(ask(-1) != false);
  CHECK(ask(-1) != true);
  CHECK(ask(-1) == ask(-2));
  CHECK(ask(-1) != ask(0));
  expected<bool> plain = ask(1);
  CHECK(*plain);
  CHECK(yes_or_no{plain} == true);
  // Not from what only happens to convert.
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, yes_or_no>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<const char*, yes_or_no>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<yes_or_no, bool>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<maybe<int>, bool>);
}

TEST_CASE("every code has a name, and what is none is unknown") {
  for (auto code = errc::none; code < errc::end;
       code = static_cast<errc>(static_cast<int>(code) + 1)) {
    CHECK(known(code));
    CHECK(to_string(code) != "unknown");
  }
  CHECK_FALSE(known(errc::end));
  CHECK(to_string(errc::end) == "unknown");
  CHECK(to_string(static_cast<errc>(200)) == "unknown");
}
