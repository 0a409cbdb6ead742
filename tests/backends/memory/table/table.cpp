#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;
using memory::table;

namespace {

hashed_key hashed(const std::string& key) {
  return {key, hash_key(key)};
}

bool put(table& where, const std::string& key, const std::string& value,
         time_point deadline = never) {
  auto k = hashed(key);
  memory::entry_attributes with;
  with.deadline = deadline;
  return where.put(where.locate(k), k, value, with)
         == memory::put_result::done;
}

bool remove(table& where, const std::string& key) {
  auto position = where.locate(hashed(key));
  if (position.item == nullptr)
    return false;
  where.remove(position);
  return true;
}

std::string get(const table& where, const std::string& key) {
  epoch_guard guard;
  auto* x = where.find(hashed(key));
  return x == nullptr ? "<none>" : std::string{x->value()};
}

} // namespace

TEST_CASE("a table finds what was put last", "[table]") {
  table uut;
  CHECK(get(uut, "a") == "<none>");
  REQUIRE(put(uut, "a", "1"));
  REQUIRE(put(uut, "", "empty key"));
  REQUIRE(put(uut, "b", ""));
  CHECK(get(uut, "a") == "1");
  CHECK(get(uut, "") == "empty key");
  CHECK(get(uut, "b") == "");
  REQUIRE(put(uut, "a", "2"));
  CHECK(get(uut, "a") == "2");
  CHECK(uut.size() == 3);
  CHECK(remove(uut, "a"));
  CHECK(!remove(uut, "a"));
  CHECK(get(uut, "a") == "<none>");
  CHECK(uut.size() == 2);
  CHECK(uut.validate() == "");
}

TEST_CASE("keys and values may hold any bytes", "[table]") {
  table uut;
  std::string key{"k\0ey", 4};
  std::string value{"\0\xff\0", 3};
  REQUIRE(put(uut, key, value));
  CHECK(get(uut, key) == value);
  CHECK(get(uut, "k") == "<none>");
  CHECK(uut.validate() == "");
}

TEST_CASE("a table does what a plain map does", "[table]") {
  table uut;
  std::map<std::string, std::string> model;
  std::minstd_rand random{42};
  for (int i = 0; i < 100'000; ++i) {
    auto key = "key:" + std::to_string(random() % 5'000);
    switch (random() % 4) {
      case 0:
        if (remove(uut, key) != (model.erase(key) == 1))
          FAIL("remove differs for " << key);
        break;
      case 1: {
        auto expected = model.count(key) != 0 ? model[key] : "<none>";
        if (get(uut, key) != expected)
          FAIL("get differs for " << key);
        break;
      }
      default: {
        auto value = std::string(random() % 300, 'x') + std::to_string(i);
        REQUIRE(put(uut, key, value));
        model[key] = value;
      }
    }
    if (i % 20'000 == 0) {
      CHECK(uut.validate() == "");
      REQUIRE(uut.renew());
      model.clear();
    }
  }
  CHECK(uut.size() == model.size());
  CHECK(uut.validate() == "");
}

TEST_CASE("a table grows bucket by bucket", "[table]") {
  table uut;
  constexpr int n = 50'000;
  for (int i = 0; i < n; ++i)
    if (!put(uut, std::to_string(i), std::to_string(i)))
      FAIL("put failed");
  CHECK(uut.validate() == "");
  for (int i = 0; i < n; ++i)
    if (get(uut, std::to_string(i)) != std::to_string(i))
      FAIL("lost " << i);
}

TEST_CASE("a clear gives the memory back", "[table]") {
  table uut;
  auto empty = uut.bytes();
  for (int i = 0; i < 10'000; ++i)
    if (!put(uut, std::to_string(i), std::string(100, 'x')))
      FAIL("put failed");
  CHECK(uut.bytes() > 1'000'000);
  REQUIRE(uut.renew());
  CHECK(uut.size() == 0);
  CHECK(uut.bytes() == empty);
  CHECK(uut.retired_bytes() == 0);
  CHECK(get(uut, "1") == "<none>");
  CHECK(uut.validate() == "");
}

TEST_CASE("a reader keeps the generation that a clear replaced", "[table]") {
  table uut;
  REQUIRE(put(uut, "a", "old"));
  {
    epoch_guard guard;
    auto* x = uut.find(hashed("a"));
    REQUIRE(x != nullptr);
    REQUIRE(uut.renew());
    REQUIRE(put(uut, "a", "new"));
    CHECK(uut.retired_bytes() > 0);
    CHECK(x->value() == "old");
  }
  uut.collect();
  CHECK(uut.retired_bytes() == 0);
  CHECK(get(uut, "a") == "new");
}

TEST_CASE("a sweep removes exactly what is dead", "[table]") {
  manual_clock time;
  memory::table_options options;
  options.time = &time;
  table uut{options};
  for (int i = 0; i < 1'000; ++i) {
    auto deadline = i % 3 == 0 ? never
                               : time.now() + std::chrono::seconds{i % 3};
    if (!put(uut, std::to_string(i), "x", deadline))
      FAIL("put failed");
  }
  CHECK(uut.expiring() == 666);
  auto later = std::chrono::seconds{1} + memory::timing_wheel::tick_length;
  time.advance(later);
  uut.sweep(10'000);
  CHECK(uut.size() == 1'000 - 333);
  CHECK(uut.expiring() == 333);
  CHECK(uut.expirations() == 333);
  CHECK(uut.validate() == "");
  time.advance(later);
  uut.sweep(10'000);
  CHECK(uut.size() == 334);
  CHECK(uut.expiring() == 0);
  CHECK(uut.validate() == "");
}

TEST_CASE("a table shrinks bucket by bucket", "[table]") {
  table uut;
  auto empty = uut.charged();
  constexpr int n = 50'000;
  for (int i = 0; i < n; ++i)
    REQUIRE(put(uut, std::to_string(i), std::to_string(i)));
  auto full = uut.bytes();
  for (int i = 0; i < n; ++i) {
    if (!remove(uut, std::to_string(i)))
      FAIL("lost " << i);
    if (i % 10'000 == 0)
      CHECK(uut.validate() == "");
  }
  uut.collect();
  CHECK(uut.size() == 0);
  CHECK(uut.charged() == empty);
  CHECK(uut.bytes() < full);
  CHECK(uut.validate() == "");
}

TEST_CASE("readers find every key that stays while the table grows", "[table]") {
  // Keys "stay:*" are there all the time; the writer adds, replaces and removes
  // others, so that buckets split and chains change under the readers.
  constexpr int staying = 2'000;
  constexpr int added = 40'000;
  table uut;
  std::vector<std::string> keys;
  for (int i = 0; i < staying; ++i) {
    keys.push_back("stay:" + std::to_string(i));
    REQUIRE(put(uut, keys.back(), keys.back()));
  }
  std::atomic<int> missed{0};
  std::atomic<int> wrong{0};
  busy_crew readers{3, [&](unsigned t) {
                      return [&, random = std::minstd_rand{t + 1}]() mutable {
                        auto& key = keys[random() % keys.size()];
                        epoch_guard guard;
                        auto* x = uut.find(hashed(key));
                        if (x == nullptr)
                          ++missed;
                        else if (x->value().substr(0, key.size()) != key)
                          ++wrong;
                      };
                    }};
  std::minstd_rand random{99};
  for (int i = 0; i < added; ++i) {
    if (i % (added / 20) == 0)
      readers.await_rounds();
    REQUIRE(put(uut, "add:" + std::to_string(i), "x"));
    if (i % 4 == 0)
      remove(uut, "add:" + std::to_string(random() % added));
    if (i % 3 == 0) {
      auto& key = keys[random() % keys.size()];
      REQUIRE(put(uut, key, key + std::string(random() % 50, '.')));
    }
  }
  readers.stop();
  CHECK(missed == 0);
  CHECK(wrong == 0);
  CHECK(uut.validate() == "");
}

TEST_CASE("readers find every key that stays while the table breathes",
          "[table]") {
  // Filled and emptied in turn, so that buckets split and merge under the
  // readers, also the same ones again and again.
  constexpr int staying = 200;
  table uut;
  for (int i = 0; i < staying; ++i)
    REQUIRE(put(uut, "stay:" + std::to_string(i), "x"));
  std::atomic<int> missed{0};
  std::atomic<int> unseen{0};
  busy_crew readers{
    2, [&](unsigned t) {
      return [&, random = std::minstd_rand{t + 1}]() mutable {
        for (int i = 0; i < 1'000; ++i)
          if (get(uut, "stay:" + std::to_string(random() % staying)) != "x")
            ++missed;
        std::vector<bool> seen(staying);
        for (std::uint64_t next = 0; next < table::scan_end;) {
          epoch_guard guard;
          next = uut.scan(next, [&](const memory::entry& x) {
            if (x.key().substr(0, 5) == "stay:")
              seen[std::stoul(std::string{x.key().substr(5)})] = true;
          });
        }
        unseen += static_cast<int>(std::count(seen.begin(), seen.end(), false));
      };
    }};
  for (int round = 0; round < 30; ++round) {
    if (round % 10 == 0)
      readers.await_rounds();
    auto n = round % 3 == 0 ? 5'000 : 300;
    for (int i = 0; i < n; ++i)
      REQUIRE(put(uut, "add:" + std::to_string(i), "y"));
    for (int i = 0; i < n; ++i)
      REQUIRE(remove(uut, "add:" + std::to_string(i)));
    uut.collect();
  }
  readers.stop();
  CHECK(missed == 0);
  CHECK(unseen == 0);
  CHECK(uut.validate() == "");
}

// -- scans ---------------------------------------------------------------------

namespace {

// Walks from the begin to the end and calls `between` after each step.
template <class F>
std::map<std::string, int> scan_all(const table& where, F&& between) {
  std::map<std::string, int> seen;
  for (std::uint64_t next = 0; next < table::scan_end;) {
    {
      epoch_guard guard;
      auto from = next;
      next = where.scan(from, [&](const memory::entry& x) {
        ++seen[std::string{x.key()}];
      });
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

TEST_CASE("scans meet every key that stays while another thread grows the table",
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
