#include <troupe/backends/memory/space/chunk_pool.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "progress.hpp"

using troupe::memory::chunk_pool;

namespace {

struct chunk {
  unsigned char* memory;
  std::size_t size;
};

chunk take(chunk_pool& from, std::size_t size) {
  auto* memory = from.allocate(size);
  REQUIRE(memory != nullptr);
  return {static_cast<unsigned char*>(memory), size};
}

} // namespace

TEST_CASE("chunks are aligned to their size and do not overlap", "[chunks]") {
  chunk_pool uut;
  std::vector<chunk> chunks;
  for (auto size = chunk_pool::smallest_chunk; size <= chunk_pool::extent_size;
       size *= 2)
    for (int i = 0; i < 3; ++i)
      chunks.push_back(take(uut, size));
  std::sort(chunks.begin(), chunks.end(),
            [](auto& x, auto& y) { return x.memory < y.memory; });
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    auto [memory, size] = chunks[i];
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % size == 0);
    if (i + 1 < chunks.size())
      CHECK(memory + size <= chunks[i + 1].memory);
  }
  CHECK(uut.validate() == "");
  for (auto [memory, size] : chunks)
    uut.deallocate(memory, size);
  CHECK(uut.validate() == "");
}

TEST_CASE("an extent is cut in halves and joined again", "[chunks]") {
  chunk_pool uut;
  constexpr auto count = chunk_pool::extent_size / chunk_pool::smallest_chunk;
  std::vector<chunk> chunks;
  for (std::size_t i = 0; i < count; ++i)
    chunks.push_back(take(uut, chunk_pool::smallest_chunk));
  CHECK(uut.reserved() == chunk_pool::extent_size);
  auto more = take(uut, chunk_pool::smallest_chunk);
  CHECK(uut.reserved() == 2 * chunk_pool::extent_size);
  uut.deallocate(more.memory, more.size);
  // Every second one first, so that nothing can be joined until later.
  for (std::size_t i = 0; i < count; i += 2)
    uut.deallocate(chunks[i].memory, chunks[i].size);
  CHECK(uut.validate() == "");
  for (std::size_t i = 1; i < count; i += 2)
    uut.deallocate(chunks[i].memory, chunks[i].size);
  CHECK(uut.validate() == "");
  CHECK(uut.reserved() == chunk_pool::extent_size);
  auto whole = take(uut, chunk_pool::extent_size);
  CHECK(uut.reserved() == chunk_pool::extent_size);
  uut.deallocate(whole.memory, whole.size);
}

TEST_CASE("chunks keep their content among random neighbours", "[chunks]") {
  chunk_pool uut;
  std::minstd_rand random{11};
  std::vector<chunk> chunks;
  auto mark = [](const chunk& x) {
    return static_cast<unsigned char>(reinterpret_cast<std::uintptr_t>(x.memory)
                                      / x.size);
  };
  auto intact = [&](const chunk& x) {
    return x.memory[0] == mark(x) && x.memory[x.size / 2] == mark(x)
           && x.memory[x.size - 1] == mark(x);
  };
  for (int i = 0; i < 5'000; ++i) {
    if (chunks.size() > 100 || (!chunks.empty() && random() % 2 == 0)) {
      auto& victim = chunks[random() % chunks.size()];
      if (!intact(victim))
        FAIL("a chunk was overwritten");
      uut.deallocate(victim.memory, victim.size);
      victim = chunks.back();
      chunks.pop_back();
    } else {
      chunks.push_back(
        take(uut, chunk_pool::smallest_chunk << (random() % 10)));
      std::memset(chunks.back().memory, mark(chunks.back()),
                  chunks.back().size);
    }
    if (i % 500 == 0)
      REQUIRE(uut.validate() == "");
  }
  for (auto [memory, size] : chunks)
    uut.deallocate(memory, size);
  CHECK(uut.validate() == "");
  CHECK(uut.reserved() == chunk_pool::extent_size);
}

TEST_CASE("extents are ready while a pool grows, and not for longer",
          "[chunks]") {
  constexpr auto size = chunk_pool::extent_size;
  chunk_pool uut;
  std::jthread keeper{
    [&](std::stop_token stop) { uut.keep_ready(std::move(stop)); }};
  std::vector<chunk> chunks;
  for (int i = 0; i < 8; ++i) {
    chunks.push_back(take(uut, size));
    eventually([&] { return uut.reserved() > chunks.size() * size; });
  }
  CHECK(uut.validate() == "");
  eventually([&] { return uut.reserved() <= chunks.size() * size; });
  for (auto [memory, chunk_size] : chunks)
    uut.deallocate(memory, chunk_size);
  CHECK(uut.validate() == "");
}

TEST_CASE("free pages go back although their extents are in use", "[chunks]") {
  constexpr std::size_t size = chunk_pool::extent_size / 8;
  constexpr std::size_t extents = 24;
  chunk_pool uut;
  std::jthread keeper{
    [&](std::stop_token stop) { uut.keep_ready(std::move(stop)); }};
  std::vector<chunk> chunks;
  for (std::size_t i = 0; i < 8 * extents; ++i) {
    chunks.push_back(take(uut, size));
    std::memset(chunks.back().memory, static_cast<int>(i % 251), size);
  }
  const auto all = extents * chunk_pool::extent_size;
  CHECK(uut.reserved() >= all);
  // One of each eight stays, wherever it lies.
  for (std::size_t i = 0; i < chunks.size(); ++i)
    if (i % 8 != 3)
      uut.deallocate(chunks[i].memory, size);
  eventually([&] {
    return uut.reserved() <= all / 8 + all / chunk_pool::kept_free_share
                               + chunk_pool::kept_free;
  });
  CHECK(uut.validate() == "");
  // They are used again, and those that stayed are as they were.
  std::vector<chunk> others;
  for (std::size_t i = 0; i < 2 * extents; ++i) {
    others.push_back(take(uut, size / 2));
    std::memset(others.back().memory, 252, size / 2);
  }
  CHECK(uut.validate() == "");
  for (std::size_t i = 3; i < chunks.size(); i += 8) {
    auto* bytes = chunks[i].memory;
    if (!std::all_of(bytes, bytes + size,
                     [&](unsigned char x) { return x == i % 251; }))
      FAIL("a chunk was overwritten");
    uut.deallocate(bytes, size);
  }
  for (auto [memory, other_size] : others)
    uut.deallocate(memory, other_size);
  CHECK(uut.validate() == "");
}

TEST_CASE("threads share a pool", "[chunks]") {
  chunk_pool uut;
  std::jthread keeper{
    [&](std::stop_token stop) { uut.keep_ready(std::move(stop)); }};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&uut, t] {
      std::minstd_rand random{t + 1};
      std::vector<std::pair<void*, std::size_t>> mine;
      for (int i = 0; i < 3'000; ++i) {
        auto size = chunk_pool::smallest_chunk << (random() % 6);
        if (auto* memory = uut.allocate(size); memory != nullptr)
          mine.emplace_back(memory, size);
        if (mine.size() > 20) {
          uut.deallocate(mine.front().first, mine.front().second);
          mine.erase(mine.begin());
        }
      }
      for (auto [memory, size] : mine)
        uut.deallocate(memory, size);
    });
  for (auto& x : threads)
    x.join();
  CHECK(uut.validate() == "");
  // The keeper gives back what it had ready.
  eventually([&] { return uut.reserved() <= chunk_pool::extent_size; });
}
