#include <troupe/actors/loads/load_registry.hpp>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include <troupe/actors/loads/load_in_flight.hpp>

#include "catch.hpp"

using namespace troupe;

namespace {

std::shared_ptr<load_in_flight> new_load(load_registry& in) {
  return std::make_shared<load_in_flight>(
    in.next_id(), nullptr, hashed_key{"key"}, tags{}, time_point{});
}

} // namespace

TEST_CASE("a registry finds loads until they are removed",
          "[loads][registry]") {
  load_registry uut;
  const auto first = new_load(uut);
  const auto second = new_load(uut);
  CHECK(first->id != 0);
  CHECK(second->id > first->id);
  REQUIRE(uut.add(first));
  REQUIRE(uut.add(second));
  CHECK(uut.size() == 2);
  CHECK(uut.all().size() == 2);
  CHECK(uut.find(first->id) == first);
  CHECK_FALSE(uut.remove(first->id));
  CHECK_FALSE(uut.remove(first->id));
  CHECK(uut.find(first->id) == nullptr);
  CHECK(uut.find(second->id) == second);
  CHECK(uut.size() == 1);
}

TEST_CASE("a removed load leaves nothing to the next one",
          "[loads][registry]") {
  load_registry uut;
  auto first = new_load(uut);
  const auto id = first->id;
  const std::weak_ptr<load_in_flight> gone{first};
  REQUIRE(uut.add(std::move(first)));
  uut.remove(id);
  CHECK(gone.expired());
  const auto second = new_load(uut);
  REQUIRE(uut.add(second));
  CHECK(uut.find(id) == nullptr);
  CHECK(uut.find(second->id) == second);
  CHECK(uut.all() == std::vector{second});
}

TEST_CASE("a closed registry says when its last load leaves",
          "[loads][registry]") {
  load_registry uut;
  const auto first = new_load(uut);
  const auto second = new_load(uut);
  REQUIRE(uut.add(first));
  REQUIRE(uut.add(second));
  CHECK_FALSE(uut.closed());
  uut.close();
  CHECK(uut.closed());
  CHECK_FALSE(uut.add(new_load(uut)));
  CHECK_FALSE(uut.remove(first->id));
  CHECK(uut.remove(second->id));
  CHECK_FALSE(uut.remove(second->id));
  CHECK(uut.size() == 0);
}

TEST_CASE("loads of many threads have different numbers and leave nothing",
          "[loads][registry]") {
  constexpr std::size_t threads = 4;
  constexpr std::size_t loads = 500;
  load_registry uut;
  std::vector<std::vector<load_id>> taken(threads);
  std::vector<std::thread> all;
  for (auto& mine : taken)
    all.emplace_back([&uut, &mine] {
      for (std::size_t i = 0; i < loads; ++i) {
        auto x = new_load(uut);
        mine.push_back(x->id);
        if (!uut.add(x) || uut.find(x->id) != x || uut.remove(x->id)
            || uut.find(x->id) != nullptr)
          mine.push_back(0);
      }
    });
  for (auto& x : all)
    x.join();
  std::vector<load_id> numbers;
  for (auto& mine : taken) {
    CHECK(std::ranges::is_sorted(mine));
    numbers.insert(numbers.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(numbers);
  CHECK(numbers.size() == threads * loads);
  CHECK(std::ranges::adjacent_find(numbers) == numbers.end());
  CHECK(numbers.front() != 0);
  CHECK(uut.size() == 0);
  CHECK(uut.all().empty());
}

TEST_CASE(
  "of threads that remove the last loads of a closed registry, at least "
  "one hears it",
  "[loads][registry]") {
  for (int round = 0; round < 200; ++round) {
    load_registry uut;
    const auto one = new_load(uut);
    const auto two = new_load(uut);
    REQUIRE(uut.add(one));
    REQUIRE(uut.add(two));
    uut.close();
    auto heard = false;
    std::thread other{[&] { heard = uut.remove(one->id); }};
    const auto here = uut.remove(two->id);
    other.join();
    REQUIRE((heard || here));
  }
}
