// What a reader has to wait for and pay: nothing of others' (promise G5).

#include <troupe/actors/regions/region.hpp>

#include <array>
#include <cstdlib>
#include <latch>
#include <new>
#include <thread>

#include "actors/plain/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

// A sanitizer brings an operator new of its own, and objects to another. What a
// read allocates does not depend on it.
#if !defined(TROUPE_ADDRESS_SANITIZER) && !defined(TROUPE_THREAD_SANITIZER)

namespace {

/// Calls of operator new on this thread.
thread_local std::size_t allocations = 0;

} // namespace

// Counts for the whole program; array forms end up here, too. None of these is inline,
// so that the compiler does not compare `malloc` and `free` with `new` and `delete`.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (auto* result = std::malloc(size == 0 ? 1 : size))
    return result;
  throw std::bad_alloc{};
}

[[gnu::noinline]] void operator delete(void* x) noexcept {
  std::free(x);
}

[[gnu::noinline]] void operator delete(void* x, std::size_t) noexcept {
  std::free(x);
}

TEST_CASE("a hit allocates nothing, a miss neither", "[reading]") {
  region_fixture f;
  bytes key(40, 'k');
  bytes value(1000, 'v');
  REQUIRE(f.uut->set(key, value));
  std::array<bytes_view, 3> keys{key, "other", key};
  REQUIRE(f.uut->contains(key) == true); // The thread's first guard.
  std::size_t bytes_seen = 0;
  auto before = allocations;
  auto hit = f.uut->visit(
    key, [&](const entry_view& x) { bytes_seen += x.value.size(); });
  auto miss = f.uut->visit("other", [&](const entry_view&) {});
  auto many = f.uut->visit_many(keys, [&](std::size_t, const entry_view* x) {
    bytes_seen += x != nullptr ? x->value.size() : 0;
  });
  auto used = allocations - before;
  CHECK(used == 0);
  CHECK(hit == true);
  CHECK(miss == false);
  CHECK(many);
  CHECK(bytes_seen == 3'000);
  // The counter does count.
  before = allocations;
  CHECK(f.uut->get(key)->value().size() == 1'000);
  CHECK(allocations > before);
}

#endif

TEST_CASE("a read does not wait for the shard's mailbox", "[reading]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "v"));
  std::latch held{1};
  std::latch go_on{1};
  std::thread holder{[&] {
    auto done = f.shard_of("k").run([&](memory::store&) -> expected<bool> {
      held.count_down();
      go_on.wait();
      return true;
    });
    if (!done)
      std::abort();
  }};
  held.wait();
  CHECK(f.get("k") == "v");
  CHECK(f.uut->ttl("k")->value() == no_expiry);
  CHECK(f.uut->get_many(std::array<bytes_view, 1>{"k"})->front() == "v");
  go_on.count_down();
  holder.join();
}
