// How a program tests its own use of a cache: a thousand orders of two tasks, each
// repeated by its seed. Ends with exit code 0 when all of them are right.

#include <chrono>
#include <cstdio>
#include <exception>
#include <utility>

#include <troupe/actors/testing/explore.hpp>
#include <troupe/actors/testing/simulated_cache.hpp>
#include <troupe/troupe.hpp>

namespace {

using namespace std::chrono_literals;

/// The code under test: a price list in front of a slow source.
class price_list {
public:
  price_list(troupe::cache<int> prices, troupe::testing::simulation& sim)
    : prices_(std::move(prices)), sim_(sim) {
    // nop
  }

  /// The price, or -1 when the source does not answer.
  int price() {
    auto found = prices_.get_or_set("tea", [this] {
      // A real source is asked over a network: others run meanwhile.
      sim_.step("asks the source");
      const auto result = source_;
      sim_.sleep(3ms);
      return result;
    });
    return found ? *found : -1;
  }

  void change(int to) {
    source_ = to;
    if (auto erased = prices_.erase("tea"); erased.failed())
      sim_.fail("the erase failed");
  }

private:
  troupe::cache<int> prices_;
  troupe::testing::simulation& sim_;
  int source_ = 1;
};

void check(troupe::testing::simulation& sim) {
  price_list shop{
    troupe::testing::open_cache<int>(sim, "prices", {.ttl = 5min}).value(),
    sim};
  for (const char* name : {"reader 1", "reader 2"})
    sim.task(name,
             [&] { sim.expect(shop.price() >= 1, "a reader gets a price"); });
  sim.task("writer", [&] {
    shop.change(2);
    sim.expect(shop.price() == 2, "a call after the change sees the new price");
  });
  sim.run();
}

} // namespace

int main() {
  try {
    const auto runs = troupe::testing::explore({.first = 1, .count = 1000},
                                               [](auto& sim) { check(sim); });
    std::printf("%llu orders, all right\n",
                static_cast<unsigned long long>(runs));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
