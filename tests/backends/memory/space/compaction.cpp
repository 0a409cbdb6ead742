// Chunks of a slab that are nearly empty, and how they are emptied.

#include <troupe/backends/memory/space/slab.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using memory::slab;

namespace {

// The user of a slab: it knows what is in each block, and moves a block's content when
// the slab asks for that.
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
                     [size = size](char x) { return x == pattern(size); }))
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

} // namespace

TEST_CASE("a slab without blocks in use gives all chunks back",
          "[slab][compaction]") {
  holder self{1};
  for (std::size_t size : {24U, 100U, 1'000U, 30'000U})
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
  for (std::size_t size : {16U, 100U, 4'000U, 20'000U}) {
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
  // With a sanitizer, ten would take a minute.
#if defined(TROUPE_ADDRESS_SANITIZER) || defined(TROUPE_THREAD_SANITIZER)
  constexpr unsigned seeds = 2;
#else
  constexpr unsigned seeds = 10;
#endif
  for (unsigned seed = 1; seed <= seeds; ++seed) {
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
