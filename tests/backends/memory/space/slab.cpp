#include <troupe/backends/memory/space/slab.hpp>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "catch.hpp"

using troupe::memory::slab;

TEST_CASE("a footprint holds its size and wastes little", "[slab]") {
  std::size_t previous = 0;
  for (std::size_t size = 1; size <= slab::largest_block; ++size) {
    auto x = slab::footprint(size);
    if (x < size || x < previous || (size > 256 && (x - size) * 8 > size))
      FAIL("size " << size << " has footprint " << x);
    previous = x;
  }
}

TEST_CASE("a slab knows what is in use to the byte", "[slab]") {
  slab uut;
  std::vector<std::pair<void*, std::size_t>> blocks;
  std::size_t expected = 0;
  for (std::size_t size : {1, 16, 17, 24, 250, 300, 5'000, 40'000, 1'000'000}) {
    blocks.emplace_back(uut.allocate(size), size);
    REQUIRE(blocks.back().first != nullptr);
    expected += slab::footprint(size);
    CHECK(uut.in_use() == expected);
    CHECK(uut.in_use() <= uut.reserved());
  }
  for (auto [block, size] : blocks)
    uut.deallocate(block, size);
  CHECK(uut.in_use() == 0);
}

TEST_CASE("blocks are aligned, do not overlap and can be filled", "[slab]") {
  slab uut;
  std::minstd_rand random{7};
  std::vector<std::pair<char*, std::size_t>> blocks;
  for (int round = 0; round < 20'000; ++round) {
    if (!blocks.empty() && random() % 3 == 0) {
      auto i = random() % blocks.size();
      auto [block, size] = blocks[i];
      // Filled with its own size: a neighbour that overlapped left its mark.
      for (std::size_t k = 0; k < size; ++k)
        if (block[k] != static_cast<char>(size))
          FAIL("a block was overwritten");
      uut.deallocate(block, size);
      blocks[i] = blocks.back();
      blocks.pop_back();
      continue;
    }
    auto size
      = random() % 50 == 0 ? 30'000 + random() % 10'000 : 1 + random() % 400;
    auto* block = static_cast<char*>(uut.allocate(size));
    REQUIRE(block != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % 8 == 0);
    std::memset(block, static_cast<char>(size), size);
    blocks.emplace_back(block, size);
  }
}

TEST_CASE("a freed block is used again", "[slab]") {
  slab uut;
  auto* block = uut.allocate(100);
  auto before = uut.reserved();
  for (int i = 0; i < 1000; ++i) {
    uut.deallocate(block, 100);
    block = uut.allocate(100);
  }
  CHECK(uut.reserved() == before);
}

TEST_CASE("large blocks go back to the system", "[slab]") {
  slab uut;
  auto* x = uut.allocate(1 << 20);
  CHECK(uut.reserved() >= 1 << 20);
  uut.deallocate(x, 1 << 20);
  CHECK(uut.reserved() == 0);
}
