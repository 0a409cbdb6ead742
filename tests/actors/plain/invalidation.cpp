// Clearing a region and invalidating tags: at once, for all shards, and before
// every load in flight.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"

using namespace troupe;

namespace {

write_options tagged(std::initializer_list<bytes_view> names) {
  write_options result;
  result.tags = names;
  return result;
}

} // namespace

TEST_CASE("a tag takes all its entries with it", "[region][tags]") {
  region_fixture f;
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    REQUIRE(f.uut->set("red:" + n, "x", tagged({"red"})));
    REQUIRE(f.uut->set("both:" + n, "x", tagged({"red", "blue"})));
    REQUIRE(f.uut->set("none:" + n, "x"));
  }
  CHECK(f.uut->invalidate_tag("blue"));
  CHECK(f.get("red:7") == "x");
  CHECK(f.get("both:7") == "<none>");
  CHECK(f.get("none:7") == "x");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.uut->invalidate_tag("nobody's"));
  CHECK(f.get("red:7") == "<none>");
  REQUIRE(f.uut->set("both:7", "new", tagged({"red", "blue"})));
  CHECK(f.get("both:7") == "new");
  for (int i = 0; i < 1'000 && f.uut->size() > 101; ++i)
    f.uut->sweep();
  CHECK(f.uut->size() == 101);
}

TEST_CASE("tags stay with what is changed in place", "[region][tags]") {
  region_fixture f;
  REQUIRE(f.uut->set("n", "1", tagged({"red"})));
  CHECK(f.uut->increment("n") == 2);
  CHECK(f.uut->touch("n", std::chrono::hours{1}));
  CHECK(f.uut->touch("n", no_expiry));
  CHECK(f.uut->transform("n", [](const entry_view*) -> expected<edit> {
    return edit::replace("3");
  }));
  CHECK(f.get("n") == "3");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("n") == "<none>");
  CHECK(f.uut->increment("n") == 1);
  REQUIRE(f.uut->set("n", "1", tagged({"red"})));
  REQUIRE(f.uut->set("n", "2"));
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("n") == "2");
}

TEST_CASE("too many tags are refused", "[region][tags]") {
  region_fixture f;
  write_options how;
  for (std::size_t i = 0; i <= tags::most; ++i)
    how.tags.add(std::to_string(i));
  auto refused = f.uut->set("a", "x", how);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::invalid_argument);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("an invalidated tag keeps a load in flight from being stored",
          "[region][tags]") {
  region_fixture f;
  auto value = f.uut->get_or_set("a", [&](load_context& context) {
    context.tag("red");
    CHECK(f.uut->invalidate_tag("red"));
    return expected<bytes>{"loaded"};
  });
  CHECK(value == bytes{"loaded"});
  CHECK(f.get("a") == "<none>");
  value = f.uut->get_or_set(
    "a", [&](load_context&) { return expected<bytes>{"again"}; },
    tagged({"red"}));
  CHECK(value == bytes{"again"});
  CHECK(f.get("a") == "again");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a clear keeps a load in flight from being stored", "[region]") {
  region_fixture f;
  auto value = f.uut->get_or_set("a", [&](load_context&) {
    CHECK(f.uut->clear());
    return expected<bytes>{"loaded"};
  });
  CHECK(value == bytes{"loaded"});
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("nobody sees what was written before a clear or an invalidation",
          "[region][tags]") {
  // Each thread writes what only it writes, forgets it, and looks: whatever the
  // others do at the same time, its own value is gone.
  region_fixture f;
  constexpr unsigned keys = 64;
  constexpr unsigned rounds = 5'000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < rounds; ++i) {
        auto key = std::to_string((i * 7 + t) % keys);
        auto mine = std::to_string(t) + ":" + std::to_string(i);
        auto by_tag = (i + t) % 2 == 0;
        if (!f.uut->set(key, mine, tagged({"red"})))
          ++wrong;
        if (!(by_tag ? f.uut->invalidate_tag("red") : f.uut->clear()))
          ++wrong;
        auto found = f.uut->get(key);
        if (!found || (*found && **found == mine))
          ++wrong;
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(wrong == 0);
}
