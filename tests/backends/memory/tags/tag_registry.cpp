#include <troupe/backends/memory/tags/tag_registry.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using memory::tag_id;
using memory::tag_registry;

namespace {

/// The ids of some names, in use as long as this lives.
class used {
public:
  used(tag_registry& in, std::vector<bytes> names) : in_(in) {
    in_.use(names, ids);
  }

  ~used() {
    in_.release(ids);
  }

  used(const used&) = delete;
  used& operator=(const used&) = delete;

  std::vector<tag_id> ids;

private:
  tag_registry& in_;
};

} // namespace

TEST_CASE("an invalidation kills what was born before, and nothing else",
          "[tags]") {
  tag_registry uut;
  used seven{uut, {"seven"}};
  used both{uut, {"seven", "nine"}};
  auto born = uut.sequence();
  CHECK(!uut.killed(born, both.ids));
  CHECK(uut.invalidate("eight"));
  CHECK(!uut.killed(born, both.ids));
  CHECK(uut.invalidate("nine"));
  CHECK(uut.killed(born, both.ids));
  CHECK(!uut.killed(born, seven.ids));
  CHECK(!uut.killed(uut.sequence(), both.ids));
  CHECK(!uut.killed(born, {}));
  CHECK(uut.killed_by_name(born, std::array{bytes{"nine"}}));
  CHECK(!uut.killed_by_name(born, std::array{bytes{"seven"}}));
  CHECK(!uut.killed_by_name(born, std::array{bytes{"unheard of"}}));
}

TEST_CASE("other names' invalidations leave a tag alone, however many they are",
          "[tags]") {
  tag_registry uut;
  used mine{uut, {"mine"}};
  const auto born = uut.sequence();
  for (int i = 0; i < 200'000; ++i)
    REQUIRE(uut.invalidate("other " + std::to_string(i)));
  CHECK(!uut.killed(born, mine.ids));
  CHECK(uut.bytes() <= tag_registry::most_idle_bytes + 1'024);
  CHECK(uut.invalidate("mine"));
  CHECK(uut.killed(born, mine.ids));
}

TEST_CASE("a name that was dropped still kills what is older", "[tags]") {
  tag_registry uut;
  const auto born = uut.sequence();
  REQUIRE(uut.invalidate("dropped"));
  for (int i = 0; i < 50'000; ++i)
    REQUIRE(uut.invalidate("other " + std::to_string(i)));
  // As the load that began at `born` and brings this tag now.
  CHECK(uut.killed_by_name(born, std::array{bytes{"dropped"}}));
  used late{uut, {"dropped"}};
  CHECK(uut.killed(born, late.ids));
  CHECK(!uut.killed(uut.sequence(), late.ids));
}

TEST_CASE("names cost the budget what they take, and give it back", "[tags]") {
  auto bytes = std::make_shared<memory::budget>(std::size_t{1} << 20);
  {
    tag_registry uut{bytes};
    {
      std::vector<std::unique_ptr<used>> all;
      for (int i = 0; i < 1'000; ++i)
        all.push_back(std::make_unique<used>(
          uut, std::vector{std::string(100, 'x') + std::to_string(i)}));
      CHECK(uut.size() == 1'000);
      CHECK(uut.bytes() > 200 * 1'000);
      CHECK(bytes->lent() == uut.bytes());
    }
    // A sixteenth of the limit is remembered.
    CHECK(uut.bytes() <= bytes->limit() / 16);
    CHECK(bytes->lent() == uut.bytes());
  }
  CHECK(bytes->lent() == 0);
}

TEST_CASE("ids are used again, and only when their name is forgotten",
          "[tags]") {
  tag_registry uut;
  std::vector<tag_id> most(1, 0);
  for (int i = 0; i < 100'000; ++i) {
    used x{uut, {"name " + std::to_string(i)}};
    used again{uut, {"name " + std::to_string(i)}};
    REQUIRE(x.ids == again.ids);
    REQUIRE(uut.name_of(x.ids[0]) == "name " + std::to_string(i));
    most[0] = std::max(most[0], x.ids[0]);
  }
  CHECK(most[0] < 50'000);
}

TEST_CASE("an invalidation waits for tagged changes, and they for it",
          "[tags]") {
  // Each changer asks for the present moment in a step and whether it is dead: no
  // invalidation may come in between. Each invalidator finds dead what it saw born.
  tag_registry uut;
  used tag{uut, {"tag"}};
  constexpr int rounds = 20'000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  std::array<memory::tag_witness, 3> stores;
  for (auto& store : stores) {
    uut.add(store);
    threads.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        memory::tag_step step{uut, store};
        const auto born = uut.sequence();
        if (i % 64 == 0)
          std::this_thread::yield();
        if (uut.killed(born, tag.ids) || uut.sequence() != born)
          ++wrong;
      }
    });
  }
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        const auto born = uut.sequence();
        if (!uut.invalidate("tag") || !uut.killed(born, tag.ids))
          ++wrong;
      }
    });
  for (auto& x : threads)
    x.join();
  for (auto& store : stores)
    uut.remove(store);
  CHECK(wrong == 0);
  CHECK(uut.sequence() == 2 * rounds + 1);
}

TEST_CASE("an invalidation inside of a tagged change is refused", "[tags]") {
  tag_registry uut;
  tag_registry another;
  memory::tag_witness store;
  uut.add(store);
  {
    memory::tag_step step{uut, store};
    CHECK(!uut.invalidate("tag"));
    CHECK(another.invalidate("tag"));
  }
  CHECK(uut.invalidate("tag"));
  uut.remove(store);
}
