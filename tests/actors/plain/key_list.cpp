#include <troupe/actors/cache/key_list.hpp>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

// Longer than what a string keeps inside itself.
std::string long_key(int x) {
  return "a key that is long enough to be allocated: " + std::to_string(x);
}

/// What a view of the keys gives, read after the range is gone.
template <class Keys>
std::vector<std::string> all(Keys&& keys) {
  key_list list{std::forward<Keys>(keys)};
  return {list.views().begin(), list.views().end()};
}

std::vector<std::string> wanted(int size) {
  std::vector<std::string> result;
  for (int i = 0; i < size; ++i)
    result.push_back(long_key(i));
  return result;
}

/// Keys in one place, as a generator has them.
struct changing {
  const std::string& operator()(int x) const {
    place = long_key(x);
    return place;
  }

  mutable std::string place;
};

} // namespace

TEST_CASE("keys that a view makes are kept") {
  CHECK(all(std::views::iota(0, 40) | std::views::transform(long_key))
        == wanted(40));
  auto named = std::views::iota(0, 3) | std::views::transform(long_key);
  CHECK(all(named) == wanted(3));
  CHECK(all(std::as_const(named)) == wanted(3));
  // Not to be read while it is const.
  auto filtered = std::views::iota(0, 5)
                  | std::views::filter([](int x) { return x < 3; })
                  | std::views::transform(long_key);
  CHECK(all(filtered) == wanted(3));
}

TEST_CASE("keys that a view makes in one place are kept") {
  changing place;
  CHECK(all(std::views::iota(0, 3)
            | std::views::transform(
              [&](int x) -> const std::string& { return place(x); }))
        == wanted(3));
  CHECK(all(std::views::iota(0, 3)
            | std::views::transform(
              [&](int x) -> std::string_view { return place(x); }))
        == wanted(3));
}

TEST_CASE("keys that can be read once only are kept") {
  std::istringstream in{"one two three"};
  CHECK(all(std::views::istream<std::string>(in))
        == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("keys of containers are not copied") {
  auto strings = wanted(3);
  key_list list{strings};
  CHECK(list.views()[1].data() == strings[1].data());
  const std::set<std::string> sorted{"a", "b"};
  CHECK(all(sorted) == std::vector<std::string>{"a", "b"});
  const char* array[] = {"a", "b"};
  CHECK(all(array) == std::vector<std::string>{"a", "b"});
  CHECK(all(std::array<std::string_view, 2>{"a", "b"})
        == std::vector<std::string>{"a", "b"});
  CHECK(all(std::deque<std::string>{"a", "b"})
        == std::vector<std::string>{"a", "b"});
  CHECK(all(std::vector<std::string>{}).empty());
  std::map<std::string, int> numbers{{"a", 1}, {"b", 2}};
  CHECK(all(std::views::keys(numbers)) == std::vector<std::string>{"a", "b"});
  CHECK(all(std::views::reverse(strings)).front() == long_key(2));
}

TEST_CASE("keys that move away are kept") {
  auto strings = wanted(3);
  std::ranges::subrange moving{std::make_move_iterator(strings.begin()),
                               std::make_move_iterator(strings.end())};
  CHECK(all(moving) == wanted(3));
}
