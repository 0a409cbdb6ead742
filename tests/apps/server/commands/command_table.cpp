#include "apps/server/commands/command_table.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

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
