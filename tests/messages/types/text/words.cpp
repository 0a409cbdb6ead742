#include <troupe/messages/types/text/words.hpp>

#include <string_view>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("a word is the same in any case of its ASCII letters") {
  CHECK(same_word("get", "get"));
  CHECK(same_word("GeT", "get"));
  CHECK(same_word("lib-NAME", "lib-name"));
  CHECK(same_word("", ""));
  for (const auto* other : {"", "ge", "gett", "got", "g\x05t"})
    CHECK(!same_word(other, "get"));
  // Neither other letters, nor what lies 32 before or behind a letter.
  CHECK(!same_word("\xc4", "\xe4"));
  CHECK(!same_word("@", "`"));
  CHECK(!same_word("[", "{"));
  CHECK(!same_word(std::string_view("get\0", 4), "get"));
}
