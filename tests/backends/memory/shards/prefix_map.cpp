#include <troupe/backends/memory/shards/prefix_map.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

/// The same by looking at each.
std::size_t longest(const std::vector<std::string>& prefixes,
                    const std::string& key) {
  auto result = prefix_map::none;
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    if (key.starts_with(prefixes[i])
        && (result == prefix_map::none
            || prefixes[i].size() > prefixes[result].size()))
      result = i;
  return result;
}

} // namespace

TEST_CASE("the longest prefix of a key is found", "[prefix_map]") {
  prefix_map uut{{"b:", "a:", "a:b:", "a:b:c:", "\xff\xff"}};
  CHECK(uut.find("b:1") == 0);
  CHECK(uut.find("a:1") == 1);
  CHECK(uut.find("a:b:1") == 2);
  CHECK(uut.find("a:b:c") == 2);
  CHECK(uut.find("a:b:c:") == 3);
  CHECK(uut.find("a:b:d:1") == 2);
  CHECK(uut.find("a:z") == 1);
  CHECK(uut.find("\xff\xff\xff") == 4);
  for (auto* key : {"", "a", "b", "c:", "\xff", "0"})
    CHECK(uut.find(key) == prefix_map::none);
}

TEST_CASE("a prefix is found by itself alone", "[prefix_map]") {
  prefix_map uut{{"b:", "a:", "a:b:"}};
  CHECK(uut.index_of("a:b:") == 2);
  CHECK(uut.index_of("b:") == 0);
  for (auto* other : {"", "a", "a:b", "a:b:c", "b:x", "c:"})
    CHECK(uut.index_of(other) == prefix_map::none);
}

TEST_CASE("no prefixes match nothing", "[prefix_map]") {
  prefix_map uut{{}};
  CHECK(uut.find("") == prefix_map::none);
  CHECK(uut.find("key") == prefix_map::none);
  CHECK(uut.index_of("key") == prefix_map::none);
}

TEST_CASE("random prefixes are found as by looking at each", "[prefix_map]") {
  std::minstd_rand random{11};
  // Few letters, so that many lie in each other; among them the smallest and the
  // largest byte.
  const std::string letters{'\0', 'a', 'b', '\xff'};
  auto word = [&](std::size_t longest_one) {
    std::string result;
    for (auto n = random() % (longest_one + 1); n > 0; --n)
      result += letters[random() % letters.size()];
    return result;
  };
  for (int round = 0; round < 300; ++round) {
    std::set<std::string> chosen;
    for (auto n = random() % 40; n > 0; --n)
      if (auto x = word(5); !x.empty())
        chosen.insert(x);
    std::vector<std::string> prefixes(chosen.begin(), chosen.end());
    std::shuffle(prefixes.begin(), prefixes.end(), random);
    prefix_map uut{prefixes};
    for (int i = 0; i < 200; ++i) {
      auto key = word(8);
      if (uut.find(key) != longest(prefixes, key))
        FAIL("round " << round << ", a key of " << key.size() << " bytes");
    }
  }
}
