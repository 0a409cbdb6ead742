#include "apps/server/command_table.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "apps/server/glob.hpp"
#include "apps/server/integer.hpp"
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
  CHECK(glob_match("", ""));
  CHECK(!glob_match("*", ""));
  CHECK(glob_match("a*", "a"));
  CHECK(glob_match("KEY", "key"));
  CHECK(!glob_match("KEY", "key", troupe::server::letter_case::exact));
  CHECK(!glob_match("[A-Z]", "k", troupe::server::letter_case::exact));
  CHECK(glob_match("[\\a-c]", "-"));
  CHECK(!glob_match("[\\a-c]", "b"));
  CHECK(glob_match("[a-", "-"));
  CHECK(glob_match("[^]", "x"));
  CHECK(!glob_match("[]x]", "x"));
  CHECK(glob_match("max*", "maxmemory-policy"));
  CHECK(glob_match("*me*o*y", "maxmemory"));
  CHECK(glob_match("M?X[a-m]*", "maxmemory"));
  CHECK(glob_match("[^a]b", "cb"));
  CHECK(glob_match("a\\*", "a*"));
  CHECK(!glob_match("a\\*", "ab"));
  CHECK(!glob_match("[^a]b", "ab"));
  CHECK(!glob_match("", "a"));
  CHECK(!glob_match("a", ""));
  CHECK(!glob_match("max?", "max"));
  CHECK(glob_match("[", "[") == false);
  CHECK(!glob_match(std::string(50, '*') + "b", std::string(10'000, 'a')));
  CHECK(!glob_match("*a*a*a*a*a*a*a*a*b", std::string(10'000, 'a')));
}
