#include <troupe/messages/types/settings/ini_text.hpp>

#include <string>

#include "catch.hpp"

using namespace troupe::settings;

namespace {

std::string value_in(const std::string& line) {
  const auto read = read_ini_line(line);
  INFO(line);
  REQUIRE(read);
  REQUIRE(read->what == ini_line::form::entry);
  return read->value;
}

} // namespace

TEST_CASE("values need no quotes, and comments begin with # or ;",
          "[settings]") {
  CHECK(value_in("port=7000") == "7000");
  CHECK(value_in("  port = 7000 \t# a comment\r") == "7000");
  CHECK(value_in("namespaces = a:=1mb b:=2mb ; two") == "a:=1mb b:=2mb");
  CHECK(value_in("password=a#b;c=d") == "a#b;c=d");
  CHECK(value_in("password=#x") == "#x");
  CHECK(value_in("password= #x").empty());
  CHECK(value_in("password=").empty());
  CHECK(value_in("bind=127.0.0.1 -::1") == "127.0.0.1 -::1");
  CHECK(read_ini_line("# x=1")->what == ini_line::form::empty);
  CHECK(read_ini_line("  ; x=1")->what == ini_line::form::empty);
  CHECK(read_ini_line(" \t")->what == ini_line::form::empty);
  CHECK(read_ini_line(" [ server ] # mine")->name == "server");
  CHECK(read_ini_line("a=1 ; mine")->comment == "; mine");
}

TEST_CASE("quoted values keep blanks and comment signs", "[settings]") {
  CHECK(value_in("a=\" b # c \" ; d") == " b # c ");
  CHECK(value_in("a=\"x\\\"y\\\\z\\n\\t\\r\"") == "x\"y\\z\n\t\r");
  CHECK(value_in("a='it\\n' # c") == "it\\n");
  CHECK(value_in("a=\"\"").empty());
}

TEST_CASE("a line that says nothing is refused", "[settings]") {
  for (const auto& [line, why] :
       {std::pair{"[server", "[name]"}, std::pair{"port", "name=value"},
        std::pair{"=1", "name=value"}, std::pair{"a=\"b", "must end with it"},
        std::pair{"a=\"b\" c", "only a comment"},
        std::pair{"a=\"\\x\"", "a backslash"},
        std::pair{"a=\"\\", "backslash"}}) {
    const auto read = read_ini_line(line);
    INFO(line);
    REQUIRE(!read);
    CHECK(read.error().text().find(why) != std::string::npos);
  }
  const auto read = read_ini_text("[a]\nb=1\n\nc\n", "x.ini");
  REQUIRE(!read);
  CHECK(read.error().text().find("line 4 of x.ini: ") == 0);
}

TEST_CASE("what ini_value writes is read back", "[settings]") {
  for (const std::string text :
       {"plain", "a \"b\" \\ c", "x;y=z", "x ; y", "# x", "[server]",
        "\xc3\xa9", "tab\there", "line\nfeed", "\r", "", " x", "x ", "%d #",
        "'", "\"", "a'b", "100mb"}) {
    INFO(ini_value(text));
    CHECK(value_in("password=" + ini_value(text)) == text);
  }
  CHECK(ini_value("a b") == "a b");
  CHECK(ini_value("a;b") == "\"a;b\"");
}

TEST_CASE("sections and entries have their lines", "[settings]") {
  const auto read
    = read_ini_text("a=0\n# c\n[x]\nb=1\n\n[y]\nc = \"2\"\n", "x.ini");
  REQUIRE(read);
  REQUIRE(read->sections.size() == 2);
  CHECK(read->sections[1].name == "y");
  CHECK(read->sections[1].line == 6);
  REQUIRE(read->entries.size() == 3);
  CHECK(read->entries[0].section.empty());
  CHECK(read->entries[1].section == "x");
  CHECK(read->entries[2].name == "c");
  CHECK(read->entries[2].value == "2");
  CHECK(read->entries[2].line == 7);
  CHECK(place_text(7, "x.ini") == "line 7 of x.ini");
}
