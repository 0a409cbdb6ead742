#include <troupe/messages/types/settings/pages.hpp>

#include <sstream>
#include <string>

#include "catch.hpp"

using namespace troupe::settings;

namespace {

std::vector<option> some_options() {
  return {{.section = "server",
           .name = "buffer",
           .letter = 'b',
           .flat = true,
           .heading = "Memory",
           .kind = value_kind::size(0, most_number),
           .preset = "65536",
           .help = "bytes that may wait, in words that are so many that the "
                   "line has to be broken somewhere"},
          {.section = "troupe",
           .name = "inner",
           .heading = "Other",
           .help = "a | b",
           .hidden = true}};
}

} // namespace

TEST_CASE("help has headings, defaults with units and at most 100 columns",
          "[settings]") {
  const auto text = help_text(some_options(), true);
  CHECK(text.find("Memory:\n  -b, --buffer=SIZE") == 0);
  CHECK(text.find("(default: 64kb)") != std::string::npos);
  CHECK(text.find("\nOther:\n      --troupe.inner=TEXT") != std::string::npos);
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    CHECK(line.size() <= help_columns);
  CHECK(help_text(some_options(), false).find("inner") == std::string::npos);
}

TEST_CASE("a row of the docs has names, meaning, range and default",
          "[settings]") {
  const auto text = markdown_table(some_options(), "Memory");
  CHECK(text.find("| `buffer` | bytes that may wait") != std::string::npos);
  CHECK(text.find(" | 64kb |\n") != std::string::npos);
  CHECK(markdown_table(some_options(), "Other").find("inner")
        == std::string::npos);
}

TEST_CASE("a value that is refused is named with its option and place",
          "[settings]") {
  auto uut = some_options()[0];
  std::int64_t taken = 0;
  uut.take = [&](const value& x) -> troupe::expected<void> {
    taken = std::get<std::int64_t>(x);
    return {};
  };
  CHECK(set(uut, "1mb", ""));
  CHECK(taken == 1 << 20);
  CHECK(set(uut, "x", "line 2 of x.ini")
          .error()
          .text()
          .find("--buffer=x in line 2 of x.ini: allowed: 0 and more")
        == 0);
  uut.secret = true;
  CHECK(set(uut, "x", "").error().text().find("--buffer=***: ") == 0);
}
