#include "apps/server/command_table.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <troupe/messages/types/text/glob.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include "catch.hpp"

using namespace troupe::server;

namespace {

std::string upper(std::string_view x) {
  std::string result{x};
  for (auto& c : result)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return result;
}

void check_row(const command& x) {
  INFO(x.name);
  CHECK(upper(x.name) != x.name);
  CHECK(std::none_of(x.name.begin(), x.name.end(),
                     [](char c) { return c >= 'A' && c <= 'Z'; }));
  CHECK(x.arity != 0);
  CHECK(!x.summary.empty());
  CHECK(!x.since.empty());
  CHECK(!x.group.empty());
  CHECK((x.run != nullptr || !x.subcommands.empty()));
  CHECK(
    !(x.flags.has(command_flag::write) && x.flags.has(command_flag::readonly)));
  CHECK((x.keys.first == 0) == (x.keys.step == 0));
  // EXEC has to know what a command takes that may be refused for want of room.
  CHECK((x.plan != nullptr || !x.flags.has(command_flag::denyoom)));
}

/// A pattern means the same read once and read for each text.
bool both_ways(std::string_view pattern, std::string_view text,
               letter_case how = letter_case::any) {
  const auto result = glob_match(pattern, text, how);
  if (glob{pattern, how}.matches(text) != result)
    FAIL("'" << pattern << "' and '" << text << "'");
  return result;
}

} // namespace

TEST_CASE("every row of the command table is sound", "[server][commands]") {
  std::set<std::string_view> names;
  for (const auto* x : all_commands()) {
    check_row(*x);
    CHECK(names.insert(x->name).second);
    CHECK(find_command(x->name) == x);
    CHECK(find_command(upper(x->name)) == x);
    for (const auto& sub : x->subcommands) {
      check_row(sub);
      CHECK(sub.name.substr(0, x->name.size() + 1)
            == std::string{x->name} + "|");
      CHECK(find_subcommand(*x, upper(sub.own_name())) == &sub);
    }
  }
  CHECK(names.size() > 30);
}

TEST_CASE("names are compared in full", "[server][commands]") {
  CHECK(find_command("") == nullptr);
  CHECK(find_command("ge") == nullptr);
  CHECK(find_command("gett") == nullptr);
  CHECK(find_command(std::string_view("get\0", 4)) == nullptr);
  CHECK(find_command("g\x05t") == nullptr);
  CHECK(find_command("\xc7\xc5\xd4") == nullptr);
  CHECK(find_command("averyveryverylongname") == nullptr);
}

TEST_CASE("only Redis's spelling of an integer is one", "[server][commands]") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-1") == -1);
  CHECK(parse_integer("9223372036854775807") == INT64_MAX);
  CHECK(parse_integer("-9223372036854775808") == INT64_MIN);
  for (const auto* text :
       {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0", "0x1", "--1",
        "9223372036854775808", "-9223372036854775809"})
    CHECK(!parse_integer(text));
}

TEST_CASE("patterns match as in Redis", "[server][commands]") {
  CHECK(both_ways("", ""));
  CHECK(!both_ways("*", ""));
  CHECK(both_ways("a*", "a"));
  CHECK(both_ways("KEY", "key"));
  CHECK(!both_ways("KEY", "key", troupe::server::letter_case::exact));
  CHECK(!both_ways("[A-Z]", "k", troupe::server::letter_case::exact));
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

TEST_CASE("long patterns match as if they were tried step by step",
          "[server][commands]") {
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

TEST_CASE("no pattern takes the product of both sizes to compare",
          "[server][commands]") {
  const auto used = [] {
    timespec x{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &x);
    return std::chrono::seconds{x.tv_sec} + std::chrono::nanoseconds{x.tv_nsec};
  };
  const std::string text(1024 * 1024, 'a');
  const auto time_of = [&](const std::string& pattern) {
    const auto before = used();
    CHECK(!both_ways(pattern, text, troupe::server::letter_case::exact));
    CHECK(both_ways(pattern, text + "b", troupe::server::letter_case::exact));
    return used() - before;
  };
  // To try one character after the other takes ten steps for each, and a thousand.
  const auto few = time_of("*" + std::string(9, 'a') + "b");
  const auto many = time_of("*" + std::string(longest_pattern - 2, 'a') + "b");
  CHECK(many < 40 * few);
}
