// Invalidation by tags, and by a clear.

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

PROVIDER_CASE("a tag takes all its entries with it, and no others",
              "[tags][G3]") {
  fixture f{kind};
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    REQUIRE(f.uut->set("red:" + n, "x", tagged({"red"})));
    REQUIRE(f.uut->set("both:" + n, "x", tagged({"red", "blue"})));
    REQUIRE(f.uut->set("none:" + n, "x"));
  }
  auto all = [&](const char* prefix, const char* value) {
    for (int i = 0; i < 100; ++i)
      if (f.get(prefix + std::to_string(i)) != value)
        return false;
    return true;
  };
  CHECK(f.uut->invalidate_tag("blue"));
  CHECK(all("red:", "x"));
  CHECK(all("both:", "<none>"));
  CHECK(all("none:", "x"));
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.uut->invalidate_tag("no entry's"));
  CHECK(all("red:", "<none>"));
  CHECK(all("both:", "<none>"));
  CHECK(all("none:", "x"));
  REQUIRE(f.uut->set("both:7", "new", tagged({"red", "blue"})));
  CHECK(f.get("both:7") == "new");
}

PROVIDER_CASE("an entry that its tag took is absent for all that ask",
              "[tags][G3]") {
  fixture f{kind};
  auto kill = [&] {
    REQUIRE(f.uut->set("k", "7", tagged({"red"})));
    REQUIRE(f.uut->invalidate_tag("red"));
  };
  kill();
  CHECK(f.uut->contains("k") == false);
  CHECK(f.uut->ttl("k") == std::nullopt);
  CHECK(look_at(*f.uut, "k") == std::nullopt);
  CHECK(f.uut->touch("k", 1h) == false);
  CHECK(f.uut->erase("k") == false);
  kill();
  CHECK(f.uut->increment("k") == 1);
  kill();
  CHECK(f.uut->set_if_absent("k", "new") == true);
  kill();
  write_options how;
  how.condition = write_condition::if_present;
  CHECK(f.uut->set("k", "new", how) == false);
  kill();
  CHECK(f.uut->update("k", [](std::optional<bytes_view> old) -> loaded {
    return bytes{old.value_or("none")};
  }) == "none");
  kill();
  CHECK(f.uut->compare_and_set("k", no_version, "new")->has_value());
  kill();
  CHECK(f.uut->get_or_set("k", bring("loaded")) == "loaded");
  CHECK(f.get("k") == "loaded");
}

PROVIDER_CASE("tags stay with what is changed in place", "[tags]") {
  fixture f{kind};
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

PROVIDER_CASE("an entry has up to 1,024 tags, and the same one twice is one",
              "[tags][G10]") {
  fixture f{kind};
  write_options how;
  for (int twice = 0; twice < 2; ++twice)
    for (std::size_t i = 0; i < tags::most; ++i)
      how.tags.add(std::to_string(i));
  CHECK(how.tags.size() == tags::most);
  REQUIRE(f.uut->set("a", "x", how));
  CHECK(f.get("a") == "x");
  CHECK(f.uut->invalidate_tag(std::to_string(tags::most - 1)));
  CHECK(f.get("a") == "<none>");
  how.tags.add("one more");
  CHECK(f.uut->set("b", "x", how).error() == errc::invalid_argument);
  CHECK(f.get("b") == "<none>");
}

PROVIDER_CASE("a tag has up to 64 KiB of any bytes", "[tags][G10]") {
  fixture f{kind};
  std::string all;
  for (int i = 0; i < 256; ++i)
    all.push_back(static_cast<char>(i));
  const std::string nul{"a\0b", 3};
  const std::string longest(tags::longest, 't');
  const std::vector<std::string> names{"", all, nul, "a", longest};
  for (std::size_t i = 0; i < names.size(); ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x", tagged({names[i]})));
  for (std::size_t i = 0; i < names.size(); ++i) {
    REQUIRE(f.uut->invalidate_tag(names[i]));
    for (std::size_t k = 0; k < names.size(); ++k)
      CHECK(f.get(std::to_string(k)) == (k <= i ? "<none>" : "x"));
  }
  const std::string too_long(tags::longest + 1, 't');
  CHECK(f.uut->set("a", "x", tagged({longest})));
  CHECK(f.uut->set("b", "x", tagged({too_long})).error()
        == errc::invalid_argument);
  CHECK(set_async(*f.uut, "b", "x", tagged({too_long})).get().error()
        == errc::invalid_argument);
  CHECK(f.uut->invalidate_tag(too_long).error() == errc::invalid_argument);
  CHECK(f.get("a") == "x");
  CHECK(f.get("b") == "<none>");
}

PROVIDER_CASE("all tags of loader and caller count, each once",
              "[tags][loads]") {
  fixture f{kind};
  const auto of_loader = GENERATE(1, 14, 15, 100, 1'023);
  auto value = f.uut->get_or_set(
    "a",
    [&](load_context& context) -> expected<bytes> {
      for (int twice = 0; twice < 2; ++twice)
        for (int i = 0; i < of_loader; ++i)
          context.tag("loader's " + std::to_string(i));
      context.tag("caller's");
      return "loaded";
    },
    tagged({"caller's"}));
  REQUIRE(value == "loaded");
  CHECK(f.get("a") == "loaded");
  const auto name = GENERATE(0, 1, 2);
  CHECK(f.uut->invalidate_tag(name == 0 ? std::string{"caller's"}
                              : name == 1
                                ? std::string{"loader's 0"}
                                : "loader's " + std::to_string(of_loader - 1)));
  CHECK(f.get("a") == "<none>");
}

PROVIDER_CASE("a loader with too many tags is told so", "[tags][loads][G10]") {
  fixture f{kind};
  auto value = f.uut->get_or_set("a", [](load_context& context) {
    for (std::size_t i = 0; i <= tags::most; ++i)
      context.tag(std::to_string(i));
    return expected<bytes>{"loaded"};
  });
  CHECK(value.error() == errc::invalid_argument);
  CHECK(f.get("a") == "<none>");
}

PROVIDER_CASE("unrelated invalidations take no entry along", "[tags][G3]") {
  fixture f{kind};
  constexpr int entries = 500;
  for (int i = 0; i < entries; ++i) {
    const auto n = std::to_string(i);
    REQUIRE(f.uut->set(n, "x", tagged({"a" + n, "b" + n, "all"})));
  }
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(f.uut->invalidate_tag("other " + std::to_string(i)));
  int left = 0;
  for (int i = 0; i < entries; ++i)
    left += f.get(std::to_string(i)) == "x" ? 1 : 0;
  CHECK(left == entries);
  REQUIRE(f.uut->invalidate_tag("b7"));
  CHECK(f.get("7") == "<none>");
  CHECK(f.get("8") == "x");
  REQUIRE(f.uut->invalidate_tag("all"));
  for (int i = 0; i < entries; ++i)
    left -= f.get(std::to_string(i)) == "<none>" ? 1 : 0;
  CHECK(left == 0);
}

PROVIDER_CASE("nothing of before a clear is found after it", "[tags][G3]") {
  fixture f{kind};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i)
      REQUIRE(f.uut->set(std::to_string(i), "x", {.ttl = 1h}));
    REQUIRE(f.uut->set("tagged", "x", tagged({"red"})));
    REQUIRE(f.uut->clear());
    CHECK(f.uut->size() == 0);
    for (int i = 0; i < 200; ++i)
      CHECK(f.get(std::to_string(i)) == "<none>");
    CHECK(f.get("tagged") == "<none>");
    CHECK(f.uut->set_if_absent("0", "new") == true);
    CHECK(f.get("0") == "new");
  }
}

PROVIDER_CASE(
  "no thread sees what was written before a clear or an invalidation",
  "[tags][G3]") {
  // Each thread writes what only it writes, forgets it, and looks: whatever the
  // others do at the same time, its own value is gone.
  fixture f{kind};
  constexpr int keys = 64;
  const int rounds = kind.rounds(5'000);
  std::atomic<int> wrong{0};
  crew(3, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
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
  CHECK(wrong == 0);
}
