// Large values that are appended to and written in the middle.

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"
#include "large_store.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using memory::large_block;
using memory::store;
using memory::table;

TEST_CASE("what is appended to a large value leaves it where it is",
          "[large][sharing]") {
  store uut{{}};
  // The larger one has room from the start.
  for (std::size_t size : {large, std::size_t{9'000'000}}) {
    auto text = pattern(size, 1);
    put(uut, "k", text);
    const auto* place = place_of(uut, "k");
    const auto before = hold(uut, "k");
    std::set<const char*> places;
    for (int i = 0; i < 1'000; ++i) {
      REQUIRE(apply(uut, "k", edit::append("12345")));
      text += "12345";
      places.insert(place_of(uut, "k"));
      if (i % 100 == 0)
        check(uut);
    }
    CHECK(value_of(uut, "k") == text);
    CHECK(before.view() == bytes_view{text}.substr(0, size));
    CHECK(places.size() == 1);
    CHECK(places.contains(place) == (size >= large_block::own_mapping));
    check(uut);
  }
}

TEST_CASE("appends copy each byte a few times, from nothing to megabytes",
          "[large][sharing]") {
  store uut{{}};
  std::string text;
  const auto part = pattern(5'000, 1);
  std::size_t copied = 0;
  const char* place = nullptr;
  while (text.size() < 20'000'000) {
    REQUIRE(apply(uut, "k", edit::append(part)));
    const auto* now = place_of(uut, "k");
    copied += now == place ? part.size() : text.size() + part.size();
    place = now;
    text += part;
  }
  CHECK(value_of(uut, "k") == text);
  CHECK(copied < 8 * text.size());
  check(uut);
}

TEST_CASE("spare room for appends is charged", "[large][sharing]") {
  store uut{{}};
  put(uut, "k", pattern(large, 1));
  CHECK(charge_of(uut, "k") >= large);
  CHECK(charge_of(uut, "k") < large + 1'000);
  REQUIRE(apply(uut, "k", edit::append("x")));
  const auto charged = charge_of(uut, "k");
  CHECK(charged > large + large / 5);
  REQUIRE(apply(uut, "k", edit::append(pattern(large / 5, 1))));
  CHECK(charge_of(uut, "k") == charged);
  // Address space is not.
  put(uut, "k", pattern(9'000'000, 1));
  REQUIRE(apply(uut, "k", edit::append("x")));
  CHECK(charge_of(uut, "k") < 9'000'000 + 10'000);
}

TEST_CASE("a part is written anywhere in a large value", "[large][sharing]") {
  store uut{{}};
  for (std::size_t size :
       {std::size_t{0}, std::size_t{10}, table::largest_inline,
        table::largest_inline + 1, large, std::size_t{5'000'000}}) {
    for (std::size_t offset : {std::size_t{0}, std::size_t{5}, size / 2, size,
                               size + 1, size + 50'000}) {
      for (std::size_t length : {std::size_t{1}, std::size_t{40'000}}) {
        auto text = pattern(size, 1);
        put(uut, "k", text);
        const auto before = hold(uut, "k");
        const auto part = pattern(length, 7);
        REQUIRE(apply(uut, "k", edit::overwrite(offset, part)));
        text.resize(std::max(size, offset + length));
        text.replace(offset, length, part);
        CHECK(value_of(uut, "k") == text);
        if (before)
          CHECK(before.view() == pattern(size, 1));
        check(uut);
      }
    }
  }
}

TEST_CASE("readers of a large value see it whole while it is appended to",
          "[large][sharing]") {
  store uut{{}};
  // Every byte tells its place, so each prefix can be checked.
  const auto text = pattern(400'000, 0);
  put(uut, "k", bytes_view{text}.substr(0, large));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      std::size_t last = 0;
      while (!stop) {
        const auto held = hold(uut, "k");
        const auto seen = held.view();
        if (!held || seen.size() < last
            || seen != bytes_view{text}.substr(0, seen.size()))
          ++wrong;
        last = seen.size();
        ++reads;
      }
    });
  for (std::size_t at = large; at < text.size() || reads < 20;) {
    const auto n = std::min<std::size_t>(100, text.size() - at);
    if (n > 0)
      REQUIRE(apply(uut, "k", edit::append(bytes_view{text}.substr(at, n))));
    at += n;
    if (n == 0)
      std::this_thread::yield();
  }
  stop = true;
  for (auto& x : readers)
    x.join();
  CHECK(wrong == 0);
  CHECK(value_of(uut, "k") == text);
  check(uut);
}
