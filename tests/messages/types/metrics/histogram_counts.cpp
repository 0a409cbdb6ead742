#include <troupe/messages/types/metrics/histogram_counts.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.hpp"

using troupe::histogram_counts;

TEST_CASE("buckets follow each other without a gap", "[metrics]") {
  CHECK(histogram_counts::least_of(0) == 0);
  for (std::size_t i = 0; i < histogram_counts::bucket_count; ++i) {
    const auto least = histogram_counts::least_of(i);
    const auto greatest = histogram_counts::greatest_of(i);
    REQUIRE(least <= greatest);
    REQUIRE(histogram_counts::bucket_of(least) == i);
    REQUIRE(histogram_counts::bucket_of(greatest) == i);
    if (i + 1 < histogram_counts::bucket_count)
      REQUIRE(histogram_counts::least_of(i + 1) == greatest + 1);
    else
      REQUIRE(greatest == ~std::uint64_t{0});
    // The documented bound.
    REQUIRE((greatest - least + 1) / 2
            <= std::max(least / 16, std::uint64_t{1}));
  }
}

TEST_CASE("a quantile is exact to a sixteenth of its value", "[metrics]") {
  std::minstd_rand random{7};
  for (int round = 0; round < 20; ++round) {
    histogram_counts uut;
    std::vector<std::uint64_t> all;
    std::uint64_t sum = 0;
    for (int i = 0; i < 1'000; ++i) {
      const auto value = std::uint64_t{random()} >> (random() % 30);
      all.push_back(value);
      sum += value;
      uut.add(histogram_counts::bucket_of(value), 1);
      uut.add_to_sum(value);
    }
    std::ranges::sort(all);
    CHECK(uut.count() == all.size());
    CHECK(uut.sum() == sum);
    for (const auto part : {0.0, 0.001, 0.5, 0.9, 0.99, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(part * 1'000.0));
      const auto exact
        = static_cast<double>(all[std::max<std::size_t>(rank, 1) - 1]);
      const auto found = static_cast<double>(uut.quantile(part));
      CHECK(std::abs(found - exact) <= exact / 16);
    }
  }
}

TEST_CASE("small values are counted exactly", "[metrics]") {
  histogram_counts uut;
  CHECK(uut.quantile(0.5) == 0);
  for (std::uint64_t x = 0; x <= histogram_counts::last_exact; ++x)
    uut.add(histogram_counts::bucket_of(x), 1);
  CHECK(uut.quantile(0) == 0);
  CHECK(uut.quantile(0.5) == 7);
  CHECK(uut.quantile(1) == 15);
  CHECK(uut.quantile(7) == 15);
  CHECK(uut.at(3) == 1);
}
