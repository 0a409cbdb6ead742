// Tables under limits: exact bytes, eviction, tags, what is given back.

#include <troupe/backends/memory/table/table.hpp>

#include <random>
#include <string>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/messages/types/tags.hpp>

#include "catch.hpp"

using namespace troupe;
using memory::budget;
using memory::put_result;
using memory::sacrifice;
using memory::table;

namespace {

struct fixture {
  explicit fixture(std::size_t bytes,
                   eviction_policy policy = eviction_policy::s3_fifo,
                   std::size_t entries = 0) {
    options.time = &time;
    options.bytes = std::make_shared<budget>(budget::limit_of(bytes));
    options.entries = std::make_shared<budget>(budget::limit_of(entries));
    options.eviction = policy;
    uut = std::make_unique<table>(options);
  }

  put_result put(const std::string& key, bytes_view value,
                 const memory::entry_attributes& with = {}) {
    hashed_key k{key, hash_key(key)};
    return uut->put(uut->locate(k), k, value, with);
  }

  bool remove(const std::string& key) {
    auto where = uut->locate({key, hash_key(key)});
    if (where.item == nullptr)
      return false;
    uut->remove(where);
    return true;
  }

  // As a reader does: the hit counts.
  bool read(const std::string& key) const {
    epoch_guard guard;
    auto* x = uut->find({key, hash_key(key)});
    return x != nullptr && !uut->dead(*x);
  }

  manual_clock time;
  memory::table_options options;
  std::unique_ptr<table> uut;
};

std::string key_of(std::size_t i) {
  return "key:" + std::to_string(i);
}

} // namespace

TEST_CASE("bytes stay under the limit whatever the sizes of the values",
          "[table][limits]") {
  constexpr std::size_t limit = 8 << 20;
  for (auto policy : {eviction_policy::s3_fifo, eviction_policy::clock}) {
    fixture self{limit, policy};
    auto& uut = *self.uut;
    std::minstd_rand random{3};
    std::string filler(1 << 20, 'x');
    for (int i = 0; i < 30'000; ++i) {
      auto size = std::size_t{1} << (random() % 21);
      size -= random() % ((size + 1) / 2);
      auto key = key_of(random() % 20'000);
      switch (random() % 8) {
        case 0:
          self.remove(key);
          break;
        case 1:
          static_cast<void>(self.read(key));
          break;
        default:
          if (self.put(key, bytes_view{filler}.substr(0, size))
              != put_result::done)
            FAIL("refused " << size << " bytes");
          if (!self.read(key))
            FAIL("what was just stored is gone");
      }
      if (uut.charged() > limit)
        FAIL("charged are " << uut.charged());
      if (i % 5'000 == 0) {
        CHECK(uut.validate() == "");
        uut.collect();
      }
    }
    CHECK(uut.evictions() > 1'000);
    // The limit is used, too: the largest value is an eighth of it.
    CHECK(uut.charged() > limit / 4 * 3);
    CHECK(uut.validate() == "");
  }
}

TEST_CASE("a limit of entries holds after every change", "[table][limits]") {
  for (std::size_t limit : {1, 2, 10, 1'000}) {
    fixture self{0, eviction_policy::s3_fifo, limit};
    auto& uut = *self.uut;
    for (std::size_t i = 0; i < 3 * limit + 100; ++i) {
      REQUIRE(self.put(key_of(i), "x") == put_result::done);
      if (uut.size() > limit)
        FAIL("there are " << uut.size() << " entries");
      if (!self.read(key_of(i)))
        FAIL("what was just stored is gone");
    }
    CHECK(uut.size() == limit);
    CHECK(uut.evictions() == 2 * limit + 100);
    CHECK(uut.validate() == "");
  }
}

TEST_CASE("what is read again survives a scan", "[table][limits]") {
  fixture self{0, eviction_policy::s3_fifo, 1'000};
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(self.put("hot:" + std::to_string(i), "x") == put_result::done);
    for (int n = 0; n < 3; ++n)
      CHECK(self.read("hot:" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(self.put(key_of(i), "x") == put_result::done);
  std::size_t left = 0;
  for (std::size_t i = 0; i < 100; ++i)
    left += self.read("hot:" + std::to_string(i)) ? 1 : 0;
  CHECK(left >= 95);
  CHECK(self.uut->validate() == "");
}

TEST_CASE("without eviction a full table refuses and changes nothing",
          "[table][limits]") {
  constexpr std::size_t limit = 1 << 20;
  fixture self{limit, eviction_policy::none};
  auto& uut = *self.uut;
  std::size_t stored = 0;
  while (self.put(key_of(stored), std::string(100, 'x')) == put_result::done)
    ++stored;
  CHECK(self.put(key_of(stored), std::string(100, 'x')) == put_result::no_room);
  CHECK(uut.size() == stored);
  CHECK(uut.charged() <= limit);
  CHECK(uut.charged() > limit / 100 * 95);
  CHECK(uut.evictions() == 0);
  // In place of another one of its size there is room.
  CHECK(self.put(key_of(0), std::string(100, 'y')) == put_result::done);
  CHECK(self.remove(key_of(1)));
  CHECK(self.remove(key_of(2)));
  CHECK(self.put(key_of(stored), std::string(100, 'x')) == put_result::done);
  CHECK(uut.validate() == "");
}

TEST_CASE("without eviction no split of a bucket exceeds the limit",
          "[table][limits]") {
  // Of 8 buckets, 35 entries split the first. Those of its hashes that end in 8 of
  // 16 move, more than fit a bucket, and one stays that is linked behind them; the
  // last entry finds its own bucket full. That makes three buckets more at once.
  std::size_t next = 0;
  std::vector<std::string> keys;
  auto add = [&](int n, std::uint64_t mask, std::uint64_t bits) {
    for (; n > 0; ++next)
      if ((hash_key(key_of(next)) & mask) == bits) {
        keys.push_back(key_of(next));
        --n;
      }
  };
  add(8, 15, 8);
  add(1, 15, 0);
  for (std::uint64_t bucket : {2U, 3U, 4U})
    add(6, 7, bucket);
  add(8, 7, 1);
  REQUIRE(keys.size() == 35);
  std::size_t stored = 0;
  for (std::size_t limit = 1'000; limit < 2'600; limit += 8) {
    fixture self{limit, eviction_policy::none};
    auto all = true;
    for (auto& x : keys) {
      all = self.put(x, "x") == put_result::done && all;
      CHECK(self.uut->charged() <= limit);
    }
    stored += all ? 1 : 0;
    CHECK(self.uut->validate() == "");
  }
  CHECK(stored > 0);
  CHECK(stored < 200);
}

TEST_CASE(
  "an entry larger than half of the limit is refused and evicts nothing",
  "[table][limits]") {
  constexpr std::size_t limit = 1 << 20;
  fixture self{limit};
  for (std::size_t i = 0; i < 5'000; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  auto before = self.uut->size();
  auto evicted = self.uut->evictions();
  CHECK(self.uut->largest_charge() == limit / 2);
  CHECK(self.put("large", std::string(limit / 2, 'x'))
        == put_result::too_large);
  CHECK(self.uut->size() == before);
  CHECK(self.uut->evictions() == evicted);
  CHECK(!self.read("large"));
  CHECK(self.put("large", std::string(limit / 2 - 1'000, 'x'))
        == put_result::done);
  CHECK(self.read("large"));
  CHECK(self.uut->charged() <= limit);
  CHECK(self.uut->validate() == "");
}

TEST_CASE("a lower limit holds as soon as the table obeys", "[table][limits]") {
  fixture self{0};
  auto& uut = *self.uut;
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  CHECK(uut.evictions() == 0);
  for (std::size_t limit : {2 << 20, 1 << 20, 100'000}) {
    self.options.bytes->set_limit(limit);
    uut.obey_limits(limit, budget::unlimited);
    CHECK(uut.charged() <= limit);
    CHECK(uut.charged() > limit / 10 * 9);
    CHECK(self.options.bytes->lent() <= limit);
    CHECK(uut.validate() == "");
  }
  self.options.bytes->set_limit(budget::unlimited);
  uut.obey_limits(budget::unlimited, budget::unlimited);
  for (std::size_t i = 0; i < 20'000; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  CHECK(uut.size() == 20'000);
  CHECK(uut.validate() == "");
}

TEST_CASE("policies can be changed while entries are there",
          "[table][limits]") {
  fixture self{1 << 20};
  std::size_t next = 0;
  auto fill = [&] {
    for (int i = 0; i < 20'000; ++i)
      static_cast<void>(self.put(key_of(next++), std::string(50, 'x')));
    CHECK(self.uut->validate() == "");
    CHECK(self.uut->charged() <= 1 << 20);
  };
  fill();
  for (auto policy : {eviction_policy::clock, eviction_policy::none,
                      eviction_policy::s3_fifo, eviction_policy::none,
                      eviction_policy::clock, eviction_policy::s3_fifo}) {
    self.uut->set_eviction(policy);
    fill();
  }
}

TEST_CASE("two tables share a limit by what they need", "[table][limits]") {
  fixture self{2 << 20};
  self.options.shares = 2;
  self.uut = std::make_unique<table>(self.options);
  for (std::size_t i = 0; i < 50'000; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  table other{self.options};
  CHECK(self.uut->charged() > std::size_t{2 << 20} / 10 * 9);
  // The other one gets its first entry all the same, beyond the limit until the full
  // one gives it back.
  auto key = key_of(1);
  hashed_key k{key, hash_key(key)};
  REQUIRE(other.put(other.locate(k), k, "x", {}) == put_result::done);
  CHECK(!other.in_debt());
  auto& all = *self.options.bytes;
  CHECK(all.overdrawn() > 0);
  CHECK(all.overdrawn() == other.overdrawn().bytes);
  // Nothing without eviction: all of it is in use.
  self.uut->give({all.overdrawn(), 0}, sacrifice::nothing);
  CHECK(all.overdrawn() > 0);
  self.uut->give({all.overdrawn(), 0}, sacrifice::anything);
  CHECK(all.overdrawn() == 0);
  CHECK(self.uut->validate() == "");
  CHECK(self.uut->can_yield());
  self.uut->yield_piece();
  CHECK(all.lent() < all.limit());
  REQUIRE(other.put(other.locate(k), k, "y", {}) == put_result::done);
  CHECK(self.uut->charged() + other.charged() <= 2 << 20);
}

TEST_CASE("no large entry goes for a small part of what others need",
          "[table][limits]") {
  fixture self{2 << 20};
  self.options.shares = 2;
  self.uut = std::make_unique<table>(self.options);
  for (std::size_t i = 0; i < 100; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  const std::string large(1'000'000, 'l');
  REQUIRE(self.put("large", large) == put_result::done);
  auto is_there = [&] { return self.read("large"); };
  // All it has, but for the large one.
  const auto granted = self.uut->bytes_granted();
  for (int i = 0; i < 100; ++i) {
    self.uut->yield_piece();
    self.uut->give({20'000, 0}, sacrifice::proportionate);
    REQUIRE(is_there());
  }
  CHECK(self.uut->size() < 101);
  CHECK(self.uut->bytes_granted() < granted);
  CHECK(self.uut->charged() <= self.uut->bytes_granted());
  CHECK(self.uut->validate() == "");
  // When it comes to that, it goes.
  SECTION("for as much") {
    self.uut->give({200'000, 0}, sacrifice::proportionate);
  }
  SECTION("for less when nothing else helps") {
    self.uut->give({20'000, 0}, sacrifice::anything);
  }
  CHECK(!is_there());
  CHECK(self.uut->validate() == "");
}

TEST_CASE("an entry costs at most forty bytes", "[table][limits]") {
  // Keys of 16 and values of 64 bytes, as in docs/memory.md.
  for (bool limited : {false, true}) {
    constexpr std::size_t n = 100'000;
    fixture self{limited ? std::size_t{n} * 118 : 0};
    std::string value(64, 'v');
    for (std::size_t i = 0; i < (limited ? 2 * n : n); ++i) {
      auto digits = std::to_string(i);
      REQUIRE(self.put(std::string(16 - digits.size(), 'k') + digits, value)
              == put_result::done);
    }
    auto& uut = *self.uut;
    auto overhead
      = static_cast<double>(uut.charged()) / static_cast<double>(uut.size())
        - 80;
    INFO((limited ? "limited" : "unlimited"));
    CHECK(overhead <= 40);
    CHECK(overhead > 16);
  }
}

TEST_CASE("what an invalidated tag killed is gone, and its space comes back",
          "[table][tags]") {
  fixture self{0};
  auto& uut = *self.uut;
  auto& tags = self.options.forgotten->tags();
  std::vector<memory::tag_id> red;
  std::vector<memory::tag_id> both;
  tags.use(std::vector<bytes>{"red"}, red);
  tags.use(std::vector<bytes>{"red", "blue"}, both);
  auto with = [&](const std::vector<memory::tag_id>& x) {
    memory::entry_attributes result;
    result.tags = x;
    result.born = tags.sequence();
    return result;
  };
  for (std::size_t i = 0; i < 3'000; ++i) {
    auto attributes = i % 3 == 0   ? memory::entry_attributes{}
                      : i % 3 == 1 ? with(red)
                                   : with(both);
    REQUIRE(self.put(key_of(i), "value", attributes) == put_result::done);
  }
  CHECK(uut.validate() == "");
  REQUIRE(tags.invalidate("blue"));
  CHECK(self.read(key_of(0)));
  CHECK(self.read(key_of(1)));
  CHECK(!self.read(key_of(2)));
  REQUIRE(self.put(key_of(2), "again", with(both)) == put_result::done);
  CHECK(self.read(key_of(2)));
  CHECK(uut.wants_sweep());
  for (int i = 0; i < 10'000 && uut.size() > 2'001; ++i)
    uut.sweep(16);
  CHECK(uut.size() == 2'001);
  REQUIRE(tags.invalidate("red"));
  for (int i = 0; i < 10'000 && uut.size() > 1'000; ++i)
    uut.sweep(16);
  CHECK(uut.size() == 1'000);
  uut.collect();
  tags.release(red);
  tags.release(both);
  CHECK(uut.validate() == "");
}

TEST_CASE("a clear is seen at once and gives the limit back",
          "[table][limits]") {
  fixture self{4 << 20};
  for (std::size_t i = 0; i < 10'000; ++i)
    REQUIRE(self.put(key_of(i), std::string(100, 'x')) == put_result::done);
  self.options.forgotten->clear();
  CHECK(!self.read(key_of(1)));
  CHECK(self.uut->size() == 0);
  CHECK(self.uut->stale());
  REQUIRE(self.uut->renew());
  CHECK(!self.uut->stale());
  CHECK(self.options.bytes->lent() < 1 << 20);
  REQUIRE(self.put(key_of(1), "x") == put_result::done);
  CHECK(self.read(key_of(1)));
  CHECK(self.uut->validate() == "");
}
