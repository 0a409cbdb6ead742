// Memory that entries of other sizes have left behind, and how it comes back.

#include <troupe/backends/memory/space/slab.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::slab;
using memory::store;

namespace {

// Whoever holds the blocks of a slab: knows what is in each, and moves it when it
// is asked to.
class holder {
public:
  explicit holder(unsigned seed) : random_(seed) {
    // nop
  }

  ~holder() {
    while (!blocks_.empty())
      give_back();
    CHECK(uut.in_use() == 0);
  }

  void take(std::size_t size) {
    auto* block = uut.allocate(size);
    REQUIRE(block != nullptr);
    std::memset(block, pattern(size), size);
    at_[block] = blocks_.size();
    blocks_.push_back({block, size});
  }

  void give_back() {
    remove(random_() % blocks_.size());
  }

  // Until nothing is left to do; how many blocks were moved.
  std::size_t compact() {
    std::size_t moved = 0;
    for (auto steps = 0; uut.compact(20'000); ++steps) {
      moved += step();
      if (steps == 100'000)
        FAIL("a compaction does not end");
    }
    return moved;
  }

  // Moves what one step tells of, all but some.
  std::size_t step(unsigned left_of_hundred = 0) {
    std::size_t moved = 0;
    std::array<void*, 16> found;
    for (;;) {
      auto count = uut.next_to_move(found);
      if (count == 0)
        return moved;
      for (auto* block : std::span{found}.first(count)) {
        auto i = at_.find(block);
        if (i == at_.end())
          FAIL("told of a block that nobody holds");
        if (random_() % 100 < left_of_hundred) {
          uut.leave();
          continue;
        }
        auto size = blocks_[i->second].size;
        remove(i->second);
        take(size);
        ++moved;
      }
    }
  }

  std::size_t vacant() const {
    return uut.reserved() - uut.in_use();
  }

  std::size_t count() const {
    return blocks_.size();
  }

  slab uut;

private:
  struct held {
    void* block;
    std::size_t size;
  };

  static char pattern(std::size_t size) {
    return static_cast<char>(size % 251);
  }

  // A block that was handed out twice, or moved wrongly, has another's pattern.
  void remove(std::size_t i) {
    auto [block, size] = blocks_[i];
    auto* bytes = static_cast<const char*>(block);
    if (!std::all_of(bytes, bytes + size,
                     [&](char x) { return x == pattern(size); }))
      FAIL("a block was overwritten");
    uut.deallocate(block, size);
    at_.erase(block);
    blocks_[i] = blocks_.back();
    at_[blocks_[i].block] = i;
    blocks_.pop_back();
    at_.erase(block);
  }

  std::minstd_rand random_;
  std::vector<held> blocks_;
  std::unordered_map<void*, std::size_t> at_;
};

struct fixture {
  explicit fixture(const memory::store_options& with = {}) : uut(on(with)) {
    // nop
  }

  // Every test ends with a look at the table's structure.
  ~fixture() {
    CHECK(uut.entries().validate() == "");
  }

  memory::store_options on(memory::store_options x) {
    x.time = &time;
    return x;
  }

  static hashed_key key(const std::string& text) {
    return {text, hash_key(text)};
  }

  static std::string name(std::size_t i) {
    return "key:" + std::to_string(i);
  }

  void set(std::size_t i, bytes_view value, const write_options& how = {}) {
    auto text = name(i);
    if (!uut.set(key(text), value, how))
      FAIL("not stored");
  }

  void erase(std::size_t i) {
    auto text = name(i);
    if (!uut.erase(key(text)))
      FAIL("not erased");
  }

  template <class F>
  bool peek(std::size_t i, F&& f) const {
    auto text = name(i);
    return uut.read(key(text), f, lookup::peek);
  }

  // Sweeps until that changes nothing any more, and no reader is waited for.
  void settle() {
    auto& x = uut.entries();
    const auto state = [&] {
      return std::array<std::size_t, 4>{x.size(), x.bytes(), x.retired_bytes(),
                                        x.relocations()};
    };
    auto before = state();
    int same = 0;
    eventually([&] {
      uut.sweep();
      const auto now = state();
      same = now == before && x.retired_bytes() == 0 ? same + 1 : 0;
      before = now;
      return same == 100;
    });
  }

  manual_clock time;
  store uut;
};

// What the slab may hold in vain, after all sweeps.
constexpr std::size_t tolerated(std::size_t used) {
  return used / 3 + (std::size_t{1} << 20);
}

} // namespace

TEST_CASE("a slab without blocks in use gives all chunks back",
          "[slab][compaction]") {
  holder self{1};
  for (std::size_t size : {24, 100, 1'000, 30'000})
    for (int i = 0; i < 1'000; ++i)
      self.take(size);
  while (self.count() > 0)
    self.give_back();
  CHECK(self.uut.reserved() > 30'000'000);
  CHECK(self.compact() == 0);
  CHECK(self.uut.reserved() == 0);
  // And goes on from there.
  self.take(100);
  CHECK(self.uut.reserved() == 4096);
}

TEST_CASE("a slab whose blocks are full has nothing to give",
          "[slab][compaction]") {
  holder self{1};
  for (int i = 0; i < 50'000; ++i)
    self.take(100);
  CHECK(!self.uut.compact(1 << 20));
}

TEST_CASE("nearly empty chunks are emptied and given back",
          "[slab][compaction]") {
  for (std::size_t size : {16, 100, 4'000, 20'000}) {
    CAPTURE(size);
    holder self{2};
    const auto blocks = 20'000'000 / size;
    for (std::size_t i = 0; i < blocks; ++i)
      self.take(size);
    while (self.count() > blocks / 4)
      self.give_back();
    const auto before = self.uut.reserved();
    const auto moved = self.compact();
    CHECK(moved > 0);
    // None is moved twice, as those with the most stay.
    CHECK(moved <= self.count());
    CHECK(self.uut.reserved() * 3 < before);
    CHECK(self.vacant() <= self.uut.in_use() / 3 + (256 << 10));
  }
}

TEST_CASE("blocks come and go while a slab is compacted",
          "[slab][compaction]") {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::minstd_rand random{seed};
    holder self{seed};
    std::size_t moved = 0;
    std::size_t size = 64;
    for (int round = 0; round < 40'000; ++round) {
      if (round % 4'000 == 0)
        size = 16 + random() % 600;
      // First the old ones go, and new ones come; later all stay about as many.
      const auto come = random() % 12;
      for (unsigned i = 0; i < come; ++i)
        self.take(std::max<std::size_t>(size - random() % 16, 16));
      for (unsigned i = 0; i < 6 && self.count() > 3'000; ++i)
        self.give_back();
      if (random() % 20 == 0 && self.uut.compact(random() % 20'000))
        moved += self.step(10);
    }
    CHECK(moved > 100);
    self.compact();
    CHECK(self.vacant() <= self.uut.in_use() / 2 + (512 << 10));
  }
}

TEST_CASE("memory of sizes that nobody uses any more comes back",
          "[store][compaction]") {
  memory::store_options options;
  constexpr std::size_t limit = 16 << 20;
  options.shared.bytes
    = std::make_shared<memory::budget>(memory::budget::limit_of(limit));
  fixture f{options};
  auto& entries = f.uut.entries();
  std::size_t most = 0;
  std::size_t next = 0;
  for (std::size_t size = 40; size < 20'000; size += size / 5) {
    const std::string value(size, static_cast<char>('a' + size % 26));
    // Two fillings of each size, of which eviction leaves about one.
    for (std::size_t i = 0; i < 2 * limit / size; ++i) {
      f.set(next++, value);
      if (i % 512 == 0) {
        f.uut.sweep();
        most = std::max(most, entries.vacant_bytes());
      }
    }
    f.settle();
    CAPTURE(size, entries.vacant_bytes(), entries.charged(), entries.bytes());
    CHECK(entries.vacant_bytes() < tolerated(limit));
    CHECK(entries.charged() <= limit);
  }
  CHECK(entries.relocations() > 1'000);
  CHECK(entries.validate() == "");
  // Meanwhile, too: without a compaction it would be some hundred MiB.
  CHECK(most < limit);
}

TEST_CASE("an entry that was moved is the same", "[store][compaction]") {
  constexpr std::size_t entries = 40'000;
  fixture f;
  const auto value = [](std::size_t i) { return std::string(20 + i % 9, 'v'); };
  const auto terms = [](std::size_t i) {
    write_options how;
    if (i % 3 == 1)
      how.ttl = 100s + std::chrono::seconds{i};
    if (i % 5 == 1)
      how.idle = 50s;
    if (i % 7 == 1)
      how.tags.add("seven");
    return how;
  };
  for (std::size_t i = 0; i < entries; ++i)
    f.set(i, value(i), terms(i));
  for (std::size_t i = 0; i < entries; ++i)
    if (i % 10 != 0)
      f.erase(i);
  std::vector<entry_view> before(entries);
  for (std::size_t i = 0; i < entries; i += 10)
    REQUIRE(f.peek(i, [&](const entry_view& x) { before[i] = x; }));
  f.uut.sweep();
  const auto taken = f.uut.entries().vacant_bytes();
  f.settle();
  CHECK(f.uut.entries().relocations() > 1'000);
  CHECK(f.uut.entries().vacant_bytes() * 3 < taken);
  CHECK(f.uut.entries().validate() == "");
  for (std::size_t i = 0; i < entries; i += 10) {
    entry_view x;
    REQUIRE(f.peek(i, [&](const entry_view& y) { x = y; }));
    if (x.value != value(i) || x.version != before[i].version
        || x.deadline != before[i].deadline || x.ttl_end != before[i].ttl_end
        || x.idle != before[i].idle)
      FAIL("entry " << i << " is another");
  }
  // What was counted for them comes out even.
  for (std::size_t i = 0; i < entries; i += 10)
    f.erase(i);
  CHECK(f.uut.entries().expiring() == 0);
  CHECK(f.uut.entries().validate() == "");
}

TEST_CASE("a tag and a deadline hold for entries that were moved",
          "[store][compaction]") {
  constexpr std::size_t entries = 30'000;
  memory::store_options options;
  auto forgotten = options.shared.forgotten;
  fixture f{options};
  write_options tagged;
  tagged.tags.add("some");
  write_options mortal;
  mortal.ttl = 100s;
  for (std::size_t i = 0; i < entries; ++i)
    f.set(i, "value", i % 2 == 0 ? tagged : mortal);
  for (std::size_t i = 0; i < entries; ++i)
    if (i % 16 > 1)
      f.erase(i);
  f.settle();
  CHECK(f.uut.entries().relocations() > 1'000);
  REQUIRE(forgotten->tags().invalidate("some"));
  const auto ignore = [](const entry_view&) {};
  CHECK(!f.peek(0, ignore));
  CHECK(f.peek(1, ignore));
  f.time.advance(100s);
  CHECK(!f.peek(1, ignore));
  // The space comes back up to a tick later.
  f.time.advance(memory::timing_wheel::tick_length);
  f.settle();
  CHECK(f.uut.entries().size() == 0);
}

TEST_CASE("readers find every entry while entries are moved",
          "[store][compaction]") {
  constexpr std::size_t entries = 20'000;
  constexpr std::size_t kept = 8;
  fixture f;
  const auto value = [](std::size_t i) { return std::to_string(i * 7919); };
  std::atomic<std::size_t> lost = 0;
  for (std::size_t i = 0; i < entries; ++i)
    f.set(i, value(i));
  busy_crew readers{
    2, [&](unsigned t) {
      return [&, random = std::minstd_rand{t + 1}]() mutable {
        const auto i = random() % (entries / kept) * kept;
        auto right = false;
        f.peek(i, [&](const entry_view& x) { right = x.value == value(i); });
        lost += right ? 0 : 1;
      };
    }};
  for (int round = 0; round < 5; ++round) {
    readers.await_rounds(500);
    for (std::size_t i = 0; i < entries; ++i)
      if (i % kept != 0)
        f.erase(i);
    f.settle();
    for (std::size_t i = 0; i < entries; ++i)
      f.set(i, value(i));
  }
  readers.stop();
  CHECK(lost == 0);
  CHECK(f.uut.entries().relocations() > 5'000);
}

TEST_CASE("no use of an entry is lost while it is moved",
          "[store][compaction][sliding]") {
  constexpr std::size_t entries = 20'000;
  constexpr std::size_t kept = 8;
  constexpr auto idle = 64s;
  write_options how;
  how.idle = idle;
  fixture f;
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < entries; ++i)
      f.set(i, "value", how);
    f.time.advance(idle / 2);
    for (std::size_t i = 0; i < entries; ++i)
      if (i % kept != 0)
        f.erase(i);
    const auto moved = f.uut.entries().relocations();
    std::thread reader{[&] {
      for (std::size_t i = 0; i < entries; i += kept) {
        auto text = fixture::name(i);
        f.uut.read(fixture::key(text), [](const entry_view&) {});
      }
    }};
    f.settle();
    reader.join();
    CHECK(f.uut.entries().relocations() > moved);
    for (std::size_t i = 0; i < entries; i += kept)
      f.peek(i, [&](const entry_view& x) {
        if (x.deadline < f.time.now() + idle)
          FAIL("a use of entry " << i << " was lost");
      });
    CHECK(f.uut.entries().validate() == "");
  }
}

// AddressSanitizer tells if it does: a block that is free is poisoned.
TEST_CASE("a compaction looks at nothing that it frees meanwhile",
          "[store][compaction]") {
  constexpr std::size_t entries = 60'000;
  constexpr std::size_t kept = 6;
  for (const auto slides : {false, true}) {
    CAPTURE(slides);
    fixture f;
    write_options how;
    if (slides)
      how.idle = 100s;
    for (std::size_t i = 0; i < entries; ++i)
      f.set(i, "value", how);
    for (std::size_t i = 0; i < entries; ++i)
      if (i % kept > 1)
        f.erase(i);
    // A reader keeps these from being freed. So the compaction finds them where it
    // looks for entries to move, and frees them itself, as what it moves is
    // retired, too.
    {
      epoch_guard reader;
      for (std::size_t i = 1; i < entries; i += kept)
        f.erase(i);
    }
    for (std::size_t i = entries; f.uut.entries().relocations() < 2'000; ++i) {
      if (i == 4 * entries)
        FAIL("no compaction has begun");
      f.set(i, std::string(300, 'v'));
    }
    f.settle();
    for (std::size_t i = 0; i < entries; i += kept)
      if (!f.peek(i, [](const entry_view&) {}))
        FAIL("entry " << i << " is lost");
  }
}
