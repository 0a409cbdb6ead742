// Large values that several entries have, one after the other or at once: moved and
// copied to other keys, given deadlines, appended to.

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/entries/held_value.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using memory::budget;
using memory::held_value;
using memory::large_block;
using memory::store;
using memory::table;
using transfer_result;

namespace {

constexpr std::size_t large = 100'000;

hashed_key hashed(const std::string& key) {
  return {key, hash_key(key)};
}

std::string pattern(std::size_t size, unsigned seed) {
  std::string result(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    result[i] = static_cast<char>(i * 31 + seed);
  return result;
}

std::string value_of(const store& where, const std::string& key) {
  std::string result = "(none)";
  where.read(hashed(key), [&](const entry_view& x) { result = x.value; });
  return result;
}

const char* place_of(const store& where, const std::string& key) {
  const char* result = nullptr;
  where.read(hashed(key),
             [&](const entry_view& x) { result = x.value.data(); });
  return result;
}

std::size_t charge_of(const store& where, const std::string& key) {
  std::size_t result = 0;
  where.read(hashed(key),
             [&](const entry_view& x) { result = memory::footprint(*x.from); });
  return result;
}

held_value hold(const store& where, const std::string& key) {
  held_value result;
  where.read(hashed(key),
             [&result](const entry_view& x) { result = held_value{x}; });
  return result;
}

void put(store& where, const std::string& key, bytes_view value,
         const write_options& how = {}) {
  REQUIRE(where.set(hashed(key), value, how));
}

expected<void> change(store& where, const std::string& key, const edit& next) {
  return where.transform(
    hashed(key), [&](const entry_view*) -> expected<edit> { return next; });
}

transfer_result transfer(store& from, const std::string& source, store& to,
                         const std::string& key,
                         const transfer_terms& terms = {}) {
  const auto result = from.transfer(hashed(source), to, hashed(key), terms);
  REQUIRE(result);
  return *result;
}

constexpr transfer_terms copying{.keep_source = true};

void check(const store& x) {
  CHECK(x.entries().validate() == "");
}

// Two stores that share limits, as two shards of a region.
struct two_stores {
  explicit two_stores(std::size_t bytes, eviction_policy eviction,
                      std::size_t entries = budget::unlimited)
    : limit(std::make_shared<budget>(bytes)),
      count(std::make_shared<budget>(entries)) {
    memory::store_options with;
    with.time = &time;
    with.shared.bytes = limit;
    with.shared.entries = count;
    with.shared.eviction = eviction;
    with.shared.shares = 2;
    for (auto& x : all)
      x = std::make_unique<store>(with);
  }

  ~two_stores() {
    for (auto& x : all)
      check(*x);
  }

  [[nodiscard]] std::size_t evictions() const {
    return all[0]->entries().evictions() + all[1]->entries().evictions();
  }

  [[nodiscard]] std::size_t charged() const {
    return all[0]->entries().charged() + all[1]->entries().charged();
  }

  manual_clock time;
  std::shared_ptr<budget> limit;
  std::shared_ptr<budget> count;
  std::array<std::unique_ptr<store>, 2> all;
};

} // namespace

TEST_CASE("a large value moves to another key without a copy",
          "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (std::size_t size : {large, std::size_t{9'000'000}}) {
    for (auto* to : {&a, &b}) {
      const auto text = pattern(size, 1);
      write_options how;
      how.ttl = 1h;
      put(a, "source", text, how);
      const auto* place = place_of(a, "source");
      const auto charged = charge_of(a, "source");
      CHECK(transfer(a, "source", *to, "target") == transfer_result::done);
      CHECK(value_of(a, "source") == "(none)");
      CHECK(value_of(*to, "target") == text);
      CHECK(place_of(*to, "target") == place);
      CHECK(charge_of(*to, "target") == charged);
      CHECK(to->entries().expiring() == 1);
      check(a);
      check(b);
      REQUIRE(to->erase(hashed("target")));
      check(a);
      check(b);
    }
  }
}

TEST_CASE("a small value moves to another key", "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (auto* to : {&a, &b}) {
    put(a, "source", "value");
    put(*to, "target", pattern(large, 1));
    CHECK(transfer(a, "source", *to, "target") == transfer_result::done);
    CHECK(value_of(a, "source") == "(none)");
    CHECK(value_of(*to, "target") == "value");
    CHECK(a.entries().size() + b.entries().size() == 1);
    REQUIRE(to->erase(hashed("target")));
    check(a);
    check(b);
  }
}

TEST_CASE("a transfer does nothing without a source or over a target",
          "[large][sharing]") {
  store a{{}};
  put(a, "target", pattern(large, 1));
  CHECK(transfer(a, "source", a, "target") == transfer_result::absent);
  put(a, "source", pattern(large, 2));
  CHECK(transfer(a, "source", a, "target", {.if_absent = true})
        == transfer_result::exists);
  CHECK(value_of(a, "source") == pattern(large, 2));
  CHECK(value_of(a, "target") == pattern(large, 1));
  check(a);
}

TEST_CASE("a copy of a large value shares it until one is changed",
          "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (auto* to : {&a, &b}) {
    auto text = pattern(large, 1);
    put(a, "source", text);
    // Room for what is appended later.
    REQUIRE(change(a, "source", edit::append("x")));
    text += "x";
    CHECK(transfer(a, "source", *to, "target", copying)
          == transfer_result::done);
    CHECK(place_of(*to, "target") == place_of(a, "source"));
    CHECK(charge_of(*to, "target") == charge_of(a, "source"));
    check(a);
    check(b);
    const auto* place = place_of(a, "source");
    REQUIRE(change(*to, "target", edit::append("target")));
    REQUIRE(change(a, "source", edit::append("source")));
    CHECK(value_of(*to, "target") == text + "target");
    CHECK(value_of(a, "source") == text + "source");
    // The one that is left alone with it appends in place.
    CHECK(place_of(a, "source") == place);
    CHECK(place_of(*to, "target") != place);
    REQUIRE(to->erase(hashed("target")));
    check(a);
    check(b);
  }
}

TEST_CASE("a copy outlives the store that it was made from",
          "[large][sharing]") {
  store b{{}};
  {
    store a{{}};
    put(a, "k", pattern(large, 1));
    transfer(a, "k", b, "k", copying);
    SECTION("cleared before") {
      REQUIRE(a.clear());
    }
    SECTION("as it was") {}
  }
  CHECK(value_of(b, "k") == pattern(large, 1));
  REQUIRE(change(b, "k", edit::append("more")));
  CHECK(value_of(b, "k") == pattern(large, 1) + "more");
  check(b);
}

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
      REQUIRE(change(uut, "k", edit::append("12345")));
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
    REQUIRE(change(uut, "k", edit::append(part)));
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
  REQUIRE(change(uut, "k", edit::append("x")));
  const auto charged = charge_of(uut, "k");
  CHECK(charged > large + large / 5);
  REQUIRE(change(uut, "k", edit::append(pattern(large / 5, 1))));
  CHECK(charge_of(uut, "k") == charged);
  // Address space is not.
  put(uut, "k", pattern(9'000'000, 1));
  REQUIRE(change(uut, "k", edit::append("x")));
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
        REQUIRE(change(uut, "k", edit::overwrite(offset, part)));
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

TEST_CASE("a large value gets a deadline without a copy", "[large][sharing]") {
  store uut{{}};
  put(uut, "k", pattern(large, 1));
  const auto* place = place_of(uut, "k");
  REQUIRE(uut.touch(hashed("k"), 1h));
  CHECK(place_of(uut, "k") == place);
  CHECK(uut.entries().expiring() == 1);
  check(uut);
  REQUIRE(uut.touch(hashed("k"), no_expiry));
  CHECK(place_of(uut, "k") == place);
  CHECK(uut.entries().expiring() == 0);
  check(uut);
}

TEST_CASE("a move at the limit evicts nothing", "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::clock,
                               eviction_policy::none);
  two_stores uut{16 << 20, policy};
  put(*uut.all[0], "k", pattern(1'900'000, 1));
  const auto small = pattern(200, 1);
  for (std::size_t i = 0; i < 200'000; ++i) {
    const auto key = std::to_string(i);
    if (!uut.all[i % 2]->set(hashed(key), small, {}))
      break;
    if (uut.evictions() > 0)
      break;
  }
  // The large one may have been the one to go.
  if (value_of(*uut.all[0], "k") == "(none)")
    put(*uut.all[0], "k", pattern(1'900'000, 1));
  REQUIRE(uut.limit->lent() + 1'000 > uut.limit->limit());
  const auto evicted = uut.evictions();
  const auto charged = uut.charged();
  const auto keys = uut.all[0]->entries().size() + uut.all[1]->entries().size();
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    const auto to = i % 3 == 0 ? at : 1 - at;
    const auto* from_key = i % 2 == 0 ? "k" : "K";
    const auto* to_key = i % 2 == 0 ? "K" : "k";
    CHECK(transfer(*uut.all[at], from_key, *uut.all[to], to_key)
          == transfer_result::done);
    at = to;
    CHECK(uut.evictions() == evicted);
    CHECK(uut.limit->lent() <= uut.limit->limit() + 1'500);
  }
  CHECK(uut.all[0]->entries().size() + uut.all[1]->entries().size() == keys);
  CHECK(uut.charged() <= charged + 1'000);
}

TEST_CASE("a move when the number of entries is at its limit evicts nothing",
          "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::none);
  two_stores uut{budget::unlimited, policy, 100};
  put(*uut.all[0], "k", "value");
  for (std::size_t i = 0; i < 99; ++i)
    put(*uut.all[i % 2], std::to_string(i), "value");
  REQUIRE(uut.evictions() == 0);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(transfer(*uut.all[i % 2], "k", *uut.all[1 - i % 2], "k")
          == transfer_result::done);
  CHECK(uut.evictions() == 0);
  CHECK(uut.count->lent() == 100);
}

TEST_CASE("moves to longer keys do not pass the limit for good",
          "[large][sharing]") {
  two_stores uut{4 << 20, eviction_policy::none};
  std::size_t stored = 0;
  for (;; ++stored) {
    const auto key = std::to_string(stored);
    if (!uut.all[stored % 2]->set(hashed(key), pattern(100, 1), {}))
      break;
  }
  std::size_t refused = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(stored, 200); ++i) {
    const auto from = std::to_string(i);
    const auto moved
      = uut.all[i % 2]->transfer(hashed(from), *uut.all[1 - i % 2],
                                 hashed(from + std::string(10'000, 'x')), {});
    if (moved)
      continue;
    ++refused;
    CHECK(moved.error() == errc::limit_reached);
    CHECK(value_of(*uut.all[i % 2], from) == pattern(100, 1));
  }
  CHECK(refused > 0);
  CHECK(uut.charged() <= (4 << 20) + 20'000);
}

TEST_CASE("entries of large values move when their chunks are emptied",
          "[large][sharing][compaction]") {
  store uut{{}};
  const auto text = pattern(table::largest_inline + 1, 1);
  constexpr std::size_t count = 8'000;
  const std::string tail(200, 'k');
  for (std::size_t i = 0; i < count; ++i)
    put(uut, std::to_string(i) + tail, i % 8 == 0 ? text : "small");
  std::map<std::size_t, const char*> places;
  for (std::size_t i = 0; i < count; ++i)
    if (i % 64 == 0)
      places[i] = place_of(uut, std::to_string(i) + tail);
    else
      REQUIRE(uut.erase(hashed(std::to_string(i) + tail)));
  for (int i = 0; i < 1'000; ++i)
    uut.sweep();
  CHECK(uut.entries().relocations() > 0);
  for (auto& [i, place] : places) {
    CHECK(place_of(uut, std::to_string(i) + tail) == place);
    REQUIRE(change(uut, std::to_string(i) + tail, edit::append("x")));
  }
  check(uut);
}

// Values whose size crosses the bounds between the kinds of blocks, under a limit
// that evicts, against a map. What the limit takes may be missing, but is never
// wrong.
TEST_CASE(
  "large values that are moved, copied and appended to are those of a map",
  "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::none);
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  two_stores uut{24 << 20, policy};
  std::map<std::string, std::string> model;
  std::vector<held_value> held;
  std::vector<std::string> held_model;
  std::minstd_rand random{seed};
  const auto any_key = [&] {
    return std::string(1, static_cast<char>('a' + random() % 12))
           + std::string(random() % 3 * 20, 'k');
  };
  const auto shard = [&](const std::string& key) -> store& {
    return *uut.all[static_cast<unsigned char>(key[0]) % 2];
  };
  const auto any_size = [&]() -> std::size_t {
    constexpr std::array<std::size_t, 5> sizes{10, 2'000, table::largest_inline,
                                               40'000, 300'000};
    const auto base = random() % 20 == 0 ? large_block::own_mapping
                                         : sizes[random() % sizes.size()];
    return base - 5 + random() % 10;
  };
  for (int step = 0; step < 500; ++step) {
    const auto key = any_key();
    auto& where = shard(key);
    const auto present
      = model.contains(key) && value_of(where, key) != "(none)";
    if (!present)
      model.erase(key);
    const auto text = pattern(any_size(), static_cast<unsigned>(random() % 50));
    switch (random() % 9) {
      case 0:
        if (where.set(hashed(key), text, {}))
          model[key] = text;
        break;
      case 1: {
        memory::value_buffer gathered;
        gathered.append(text);
        gathered.append("\r\n");
        gathered.finish(text.size());
        if (where.set(hashed(key), gathered.view(), {}, &gathered))
          model[key] = text;
        break;
      }
      case 2:
      case 3: {
        const auto part = text.substr(0, random() % 2 == 0 ? 5 : 50'000);
        if (change(where, key, edit::append(part)))
          model[key] += part;
        break;
      }
      case 4: {
        const auto offset = random() % 60'000;
        const auto part = text.substr(0, 30);
        if (change(where, key, edit::overwrite(offset, part))) {
          auto& value = model[key];
          value.resize(
            std::max<std::size_t>(value.size(), offset + part.size()));
          value.replace(offset, part.size(), part);
        }
        break;
      }
      case 5:
      case 6: {
        const auto to = any_key();
        if (to == key)
          break;
        const auto keeps = random() % 2 == 0;
        const auto done = where.transfer(hashed(key), shard(to), hashed(to),
                                         {.keep_source = keeps});
        if (!done)
          break;
        CHECK((*done == transfer_result::done) == present);
        if (!present)
          break;
        model[to] = model[key];
        if (!keeps)
          model.erase(key);
        break;
      }
      case 7:
        if (where.touch(hashed(key), random() % 2 == 0 ? 1h : no_expiry))
          break;
        break;
      default:
        if (random() % 2 == 0) {
          REQUIRE(where.erase(hashed(key)));
          model.erase(key);
        } else if (auto x = hold(where, key)) {
          held_model.emplace_back(x.view());
          held.push_back(std::move(x));
          if (held.size() > 4) {
            CHECK(held.front().view() == held_model.front());
            held.erase(held.begin());
            held_model.erase(held_model.begin());
          }
        }
        break;
    }
    for (auto& x : uut.all) {
      x->sweep();
      const auto problem = x->entries().validate();
      if (!problem.empty())
        FAIL(problem);
    }
    CHECK(uut.limit->lent() <= uut.limit->limit() + 1'500);
    if (step % 50 == 0)
      for (auto& [name, value] : model) {
        const auto found = value_of(shard(name), name);
        if (found != "(none)")
          CHECK(found == value);
      }
    if (step % 100 == 0)
      large_block::free_waiting();
  }
  for (std::size_t i = 0; i < held.size(); ++i)
    CHECK(held[i].view() == held_model[i]);
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
      REQUIRE(change(uut, "k", edit::append(bytes_view{text}.substr(at, n))));
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
