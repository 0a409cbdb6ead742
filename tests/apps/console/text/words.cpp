#include "catch.hpp"

#include <string>
#include <vector>

#include "apps/console/text/words.hpp"

using namespace troupe::console;

namespace {

using lines = std::vector<word_list>;

std::string complaint(std::string_view line) {
  auto result = split(line);
  REQUIRE_FALSE(result);
  CHECK(result.error() == troupe::errc::invalid_argument);
  return result.error().text();
}

} // namespace

TEST_CASE("blanks separate words and semicolons commands") {
  CHECK(*split("") == lines{});
  CHECK(*split(" \t ") == lines{});
  CHECK(*split(";; ;") == lines{});
  CHECK(*split("  get   key ") == lines{{"get", "key"}});
  CHECK(*split("ls;stat ; get a;") == lines{{"ls"}, {"stat"}, {"get", "a"}});
}

TEST_CASE("quotes keep blanks and semicolons, and may be empty") {
  CHECK(*split("set 'a b' \"c;d\"") == lines{{"set", "a b", "c;d"}});
  CHECK(*split("set '' \"\"") == lines{{"set", "", ""}});
  CHECK(*split("a'b'\"c\"d") == lines{{"abcd"}});
  CHECK(*split("\"it's\" 'say \"x\"'") == lines{{"it's", "say \"x\""}});
}

TEST_CASE("escapes count everywhere but between single quotes") {
  CHECK(*split(R"(\x41\x0a "\x00b")") == lines{{"A\n", std::string{"\0b", 2}}});
  CHECK(*split(R"("\n\r\t\0\\\"\'")")
        == lines{{std::string{"\n\r\t\0\\\"'", 7}}});
  CHECK(*split(R"('\x41\')") == lines{{R"(\x41\)"}});
  CHECK(*split(R"(a\ b a\;b \"x)") == lines{{"a b", "a;b", "\"x"}});
  CHECK(*split(R"("\xfF")") == lines{{"\xff"}});
}

TEST_CASE("what cannot be read is named with its column") {
  CHECK(complaint("get 'x") == "column 5: this quote is never closed");
  CHECK(complaint("get \"x\\\"") == "column 5: this quote is never closed");
  CHECK(complaint("get \\") == "column 5: nothing follows this backslash");
  CHECK(complaint("get \"\\").starts_with("column 6: nothing"));
  CHECK(complaint("a \\xg0") == "column 3: \\x takes two hexadecimal digits");
  CHECK(complaint("a \\x1").starts_with("column 3: \\x takes"));
  CHECK(complaint("a \"\\x1\"").starts_with("column 4: \\x takes"));
  CHECK(complaint("a\\q").starts_with("column 2: unknown escape"));
}

TEST_CASE("quoted bytes are plain ASCII and read back as they were") {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  for (const auto& x :
       {all, std::string{}, std::string{"plain"}, std::string{"a b"},
        std::string{"\"'\\;"}, std::string{"\xc3\xbc"}}) {
    for (const auto& text : {quote(x), quote_if_needed(x)}) {
      CAPTURE(text);
      CHECK(text.find_first_not_of(" !\"#$%&'()*+,-./0123456789:;<=>?@"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                                   "abcdefghijklmnopqrstuvwxyz{|}~")
            == std::string::npos);
      CHECK(*split(text) == lines{{x}});
    }
  }
  CHECK(quote("a") == "\"a\"");
  CHECK(quote_if_needed("db0/shard-3") == "db0/shard-3");
  CHECK(quote_if_needed("") == "\"\"");
  CHECK(quote(std::string{"\x00\xff\n", 3}) == R"("\x00\xff\n")");
}
