#include <troupe/messages/types/text/glob.hpp>

#include <chrono>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

/// A pattern means the same read once and read for each text.
bool both_ways(std::string_view pattern, std::string_view text,
               letter_case how = letter_case::any) {
  const auto result = glob_match(pattern, text, how);
  if (glob{pattern, how}.matches(text) != result)
    FAIL("'" << pattern << "' and '" << text << "'");
  return result;
}

} // namespace

TEST_CASE("patterns match as in Redis") {
  CHECK(both_ways("", ""));
  CHECK(!both_ways("*", ""));
  CHECK(both_ways("a*", "a"));
  CHECK(both_ways("KEY", "key"));
  CHECK(!both_ways("KEY", "key", letter_case::exact));
  CHECK(!both_ways("[A-Z]", "k", letter_case::exact));
  CHECK(both_ways("[\\a-c]", "-"));
  CHECK(!both_ways("[\\a-c]", "b"));
  CHECK(both_ways("[a-", "-"));
  CHECK(both_ways("[^]", "x"));
  CHECK(!both_ways("[]x]", "x"));
  CHECK(both_ways("max*", "maxmemory-policy"));
  CHECK(both_ways("*me*o*y", "maxmemory"));
  CHECK(both_ways("M?X[a-m]*", "maxmemory"));
  CHECK(both_ways("[^a]b", "cb"));
  CHECK(both_ways("a\\*", "a*"));
  CHECK(!both_ways("a\\*", "ab"));
  CHECK(!both_ways("[^a]b", "ab"));
  CHECK(!both_ways("", "a"));
  CHECK(!both_ways("a", ""));
  CHECK(!both_ways("max?", "max"));
  CHECK(both_ways("[", "[") == false);
  CHECK(!both_ways(std::string(50, '*') + "b", std::string(10'000, 'a')));
  CHECK(!both_ways("*a*a*a*a*a*a*a*a*b", std::string(10'000, 'a')));
  std::minstd_rand random{5};
  const std::string_view letters = "aB-]^[\\*?c";
  const auto any = [&](std::size_t most) {
    std::string result;
    for (auto n = random() % most; n > 0; --n)
      result += letters[random() % letters.size()];
    return result;
  };
  for (int i = 0; i < 200'000; ++i)
    std::ignore = both_ways(any(9), any(7));
}

TEST_CASE("long patterns match as if they were tried step by step") {
  std::minstd_rand random{7};
  const auto any = [&](std::string_view letters, std::size_t size) {
    std::string result;
    while (result.size() < size)
      result += letters[random() % letters.size()];
    return result;
  };
  // As its definition says, with the product of both sizes as the number of steps.
  const auto slowly = [](std::string_view pattern, std::string_view text) {
    std::vector<char> can(text.size() + 1);
    can[0] = 1;
    for (const char p : pattern) {
      std::vector<char> next(text.size() + 1);
      for (std::size_t i = 0; i <= text.size(); ++i) {
        if (p == '*')
          next[i] = can[i] != 0 || (i > 0 && next[i - 1] != 0);
        else
          next[i] = i > 0 && can[i - 1] != 0 && (p == '?' || p == text[i - 1]);
      }
      can = next;
    }
    return can[text.size()] != 0;
  };
  auto matched = 0;
  for (int i = 0; i < 300; ++i) {
    // Of all sizes around those of a word, and the largest.
    const std::size_t size = i % 3 == 0 ? 1000 + random() % 22 : random() % 200;
    auto pattern = "*" + any("aaaaaaa?", size) + (i % 2 == 0 ? "*" : "b");
    pattern[random() % pattern.size()] = '*';
    const auto text = any("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 3000);
    const auto result = slowly(pattern, text);
    matched += result ? 1 : 0;
    if (both_ways(pattern, text) != result)
      FAIL("'" << pattern << "' and '" << text << "'");
  }
  CHECK(matched > 30);
  CHECK(matched < 270);
}

TEST_CASE("no pattern takes the product of both sizes to compare") {
  const auto used = [] {
    timespec x{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &x);
    return std::chrono::seconds{x.tv_sec} + std::chrono::nanoseconds{x.tv_nsec};
  };
  const std::string text(1024 * 1024, 'a');
  const auto time_of = [&](const std::string& pattern) {
    const auto before = used();
    CHECK(!both_ways(pattern, text, letter_case::exact));
    CHECK(both_ways(pattern, text + "b", letter_case::exact));
    return used() - before;
  };
  // To try one character after the other takes ten steps for each, and a thousand.
  const auto few = time_of("*" + std::string(9, 'a') + "b");
  const auto many = time_of("*" + std::string(longest_pattern - 2, 'a') + "b");
  CHECK(many < 40 * few);
}
