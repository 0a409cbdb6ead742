#include <troupe/messages/types/text/suggest.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("the distance of words counts edits and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("stat", "stat") == 0);
  CHECK(edit_distance("sta", "stat") == 1);
  CHECK(edit_distance("satt", "stat") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);
}

TEST_CASE("a suggestion is near or nothing") {
  const std::vector<std::string> names{"help", "ls",   "stat", "get",
                                       "set",  "kill", "drain"};
  CHECK(nearest("gte", names) == "get");
  CHECK(nearest("klil", names) == "kill");
  CHECK(nearest("dr", names) == "drain");
  CHECK(nearest("sl", names) == "ls");
  CHECK(nearest("status", names) == "stat");
  CHECK(nearest("", names).empty());
  CHECK(nearest("frobnicate", names).empty());
  CHECK(nearest("x", names).empty());
  CHECK(nearest("x", {}).empty());
  CHECK(did_you_mean("gte", names) == "; did you mean 'get'?");
  CHECK(did_you_mean("frobnicate", names).empty());
}

TEST_CASE("a suggestion never is what was typed") {
  const std::vector<std::string> names{"db0", "db0/shard-1", "db0/shard-2"};
  CHECK(did_you_mean("db0/shard-1", names).empty());
  CHECK(did_you_mean("db0", names).empty());
  CHECK(did_you_mean("db0/shard-3", names) != "");
}
