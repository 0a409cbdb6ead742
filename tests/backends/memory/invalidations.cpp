#include <troupe/backends/memory/invalidations.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "catch.hpp"

using troupe::memory::invalidations;

TEST_CASE("a mark kills what was born before, and nothing else",
          "[invalidations]") {
  invalidations uut;
  std::array<std::uint16_t, 2> marks{7, 9};
  auto born = uut.sequence();
  CHECK(!uut.killed(born, marks));
  uut.invalidate(8);
  CHECK(!uut.killed(born, marks));
  uut.invalidate(9);
  CHECK(uut.killed(born, marks));
  CHECK(!uut.killed(uut.sequence(), marks));
  CHECK(!uut.killed(born, {}));
}

TEST_CASE("whatever the order of invalidations, the last one counts",
          "[invalidations]") {
  invalidations uut;
  constexpr int threads = 4;
  constexpr int rounds = 20'000;
  std::atomic<int> survived{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&] {
      std::array<std::uint16_t, 1> marks{42};
      for (int i = 0; i < rounds; ++i) {
        auto born = uut.sequence();
        uut.invalidate(42);
        if (!uut.killed(born, marks))
          ++survived;
      }
    });
  for (auto& x : all)
    x.join();
  CHECK(survived == 0);
  CHECK(uut.sequence() == threads * rounds);
}
