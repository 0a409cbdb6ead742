// Walks over the entries of a table.

#include <troupe/backends/memory/table/table.hpp>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "progress.hpp"
#include "table_access.hpp"

using namespace troupe;
using memory::table;

namespace {

// Walks from the begin to the end and calls `between` after each step.
template <class F>
std::map<std::string, int> scan_all(const table& where, F&& between) {
  std::map<std::string, int> seen;
  for (std::uint64_t next = 0; next < table::scan_end;) {
    {
      epoch_guard guard;
      auto from = next;
      next = where.scan(
        from, [&](const memory::entry& x) { ++seen[std::string{x.key()}]; });
      REQUIRE(next > from);
    }
    between();
  }
  return seen;
}

} // namespace

TEST_CASE("a scan meets every key of a table at rest exactly once",
          "[table][scan]") {
  for (int n : {0, 1, 34, 35, 100, 1'000, 4'321}) {
    table uut;
    for (int i = 0; i < n; ++i)
      REQUIRE(put(uut, std::to_string(i), "x"));
    auto seen = scan_all(uut, [] {});
    CHECK(seen.size() == static_cast<std::size_t>(n));
    for (auto& [key, times] : seen)
      if (times != 1)
        FAIL("met " << times << " times: " << key);
    CHECK(uut.validate() == "");
  }
}

TEST_CASE("a scan meets what is there while buckets split between its steps",
          "[table][scan]") {
  // From some splits per step to doubling several times during the scan.
  for (int per_step : {1, 5, 20, 100}) {
    table uut;
    for (int i = 0; i < 500; ++i)
      REQUIRE(put(uut, "stay:" + std::to_string(i), "x"));
    int added = 0;
    auto seen = scan_all(uut, [&] {
      for (int i = 0; i < per_step && added < 50'000; ++i)
        REQUIRE(put(uut, "add:" + std::to_string(added++), "x"));
    });
    CHECK(added > 0);
    for (int i = 0; i < 500; ++i)
      if (seen.count("stay:" + std::to_string(i)) == 0)
        FAIL("missed " << i << " with " << per_step << " per step");
    CHECK(uut.validate() == "");
  }
}

TEST_CASE("a position stays good over a clear", "[table][scan]") {
  table uut;
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(put(uut, "old:" + std::to_string(i), "x"));
  std::uint64_t next = 0;
  for (int i = 0; i < 57; ++i) {
    epoch_guard guard;
    next = uut.scan(next, [](const memory::entry&) {});
  }
  REQUIRE(uut.renew());
  // In the middle of a bucket of the small table, and splits to come.
  for (int i = 0; i < 3'000; ++i)
    REQUIRE(put(uut, "new:" + std::to_string(i), "x"));
  int steps = 0;
  while (next < table::scan_end) {
    epoch_guard guard;
    next = uut.scan(next, [](const memory::entry&) {});
    ++steps;
  }
  CHECK(steps < 10'000);
  CHECK(uut.validate() == "");
}

TEST_CASE(
  "scans meet every key that stays while another thread grows the table",
  "[table][scan]") {
  constexpr int staying = 300;
  constexpr int added = 30'000;
  table uut;
  for (int i = 0; i < staying; ++i)
    REQUIRE(put(uut, "stay:" + std::to_string(i), "x"));
  std::atomic<int> missed{0};
  busy_crew readers{2, [&](unsigned) {
                      return [&] {
                        int met = 0;
                        std::vector<bool> seen(staying);
                        for (std::uint64_t next = 0; next < table::scan_end;) {
                          epoch_guard guard;
                          next = uut.scan(next, [&](const memory::entry& x) {
                            auto key = x.key();
                            if (key.substr(0, 5) != "stay:")
                              return;
                            auto i = std::stoul(std::string{key.substr(5)});
                            met += seen[i] ? 0 : 1;
                            seen[i] = true;
                          });
                        }
                        missed += staying - met;
                      };
                    }};
  std::minstd_rand random{7};
  for (int i = 0; i < added; ++i) {
    if (i % (added / 3) == 0)
      readers.await_rounds();
    REQUIRE(put(uut, "add:" + std::to_string(i), "x"));
    if (i % 4 == 0)
      remove(uut, "add:" + std::to_string(random() % added));
    if (i % 3 == 0)
      REQUIRE(put(uut, "stay:" + std::to_string(random() % staying), "y"));
  }
  readers.stop();
  CHECK(missed == 0);
  CHECK(uut.validate() == "");
}
