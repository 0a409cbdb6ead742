// What memory keeps of entries and names of tags after an invalidation.

#include <string>

#include "actors/plain/fixture.hpp"

using namespace troupe;

namespace {

write_options tagged(std::initializer_list<bytes_view> names) {
  write_options result;
  result.tags = names;
  return result;
}

} // namespace

TEST_CASE("the space of what a tag took comes back", "[region][tags]") {
  region_fixture f;
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    REQUIRE(f.uut->set("red:" + n, "x", tagged({"red"})));
    REQUIRE(f.uut->set("both:" + n, "x", tagged({"red", "blue"})));
    REQUIRE(f.uut->set("none:" + n, "x"));
  }
  REQUIRE(f.uut->invalidate_tag("blue"));
  REQUIRE(f.uut->invalidate_tag("red"));
  REQUIRE(f.uut->set("both:7", "new", tagged({"red", "blue"})));
  for (int i = 0; i < 1'000 && f.uut->size() > 101; ++i)
    f.uut->tick();
  CHECK(f.uut->size() == 101);
}

TEST_CASE(
  "65,536 unrelated invalidations take no entry along, and little memory",
  "[region][tags]") {
  region_fixture f;
  constexpr int entries = 2'000;
  for (int i = 0; i < entries; ++i) {
    const auto n = std::to_string(i);
    REQUIRE(f.uut->set(n, "x", tagged({"a" + n, "b" + n, "all"})));
  }
  for (int i = 0; i < 65'536; ++i)
    REQUIRE(f.uut->invalidate_tag("other " + std::to_string(i)));
  int left = 0;
  for (int i = 0; i < entries; ++i)
    left += f.get(std::to_string(i)) == "x" ? 1 : 0;
  CHECK(left == entries);
  // What is said of the memory of names, and its bound.
  auto stats = f.uut->stats();
  CHECK(stats.tag_names >= 2 * entries + 1);
  CHECK(stats.tag_bytes >= 100 * stats.tag_names);
  REQUIRE(f.uut->clear());
  for (int i = 0; i < 1'000 && f.uut->stats().retired > 0; ++i)
    f.uut->tick();
  CHECK(f.uut->stats().tag_bytes
        <= memory::tag_registry::most_idle_bytes + 1'024);
}
