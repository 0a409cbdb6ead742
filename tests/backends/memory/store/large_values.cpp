// Values in blocks of their own: gathered before they are entries, held after.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/entries/held_value.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using memory::held_value;
using memory::store;
using memory::value_buffer;

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

value_buffer gathered(const std::string& value) {
  value_buffer result;
  for (std::size_t at = 0; at < value.size(); at += 7'000)
    result.append(bytes_view{value}.substr(at, 7'000));
  result.append("\r\n");
  result.finish(value.size());
  return result;
}

held_value hold(const store& where, const std::string& key) {
  held_value result;
  where.read(hashed(key),
             [&result](const entry_view& x) { result = held_value{x}; });
  return result;
}

} // namespace

TEST_CASE("a gathered value becomes the entry without a copy", "[large]") {
  store uut{{}};
  for (std::size_t key_size : {0, 1, 7, 8, 13, 16, 65'536}) {
    for (auto ttl : {no_expiry, ttl_duration{1h}}) {
      const auto text = pattern(large + key_size, 3);
      const std::string key(key_size, 'k');
      auto value = gathered(text);
      const auto* place = value.view().data();
      write_options how;
      how.ttl = ttl;
      REQUIRE(uut.set(hashed(key), value.view(), how, &value));
      CHECK(value.size() == 0);
      const auto found = uut.read(hashed(key), [&](const entry_view& x) {
        CHECK(x.value.data() == place);
        CHECK(x.value == text);
        CHECK((x.deadline == never) == (ttl == no_expiry));
      });
      CHECK(found);
      CHECK(uut.entries().validate() == "");
    }
  }
  for (std::size_t key_size : {0, 1, 7, 8, 13, 16, 65'536})
    REQUIRE(uut.erase(hashed(std::string(key_size, 'k'))));
  CHECK(uut.entries().validate() == "");
}

TEST_CASE("what cannot become the entry is copied", "[large]") {
  store uut{{}};
  SECTION("too small a value") {
    auto value = gathered("small");
    REQUIRE(uut.set(hashed("k"), value.view(), {}, &value));
    CHECK(value.view() == "small");
  }
  SECTION("a condition that does not hold") {
    auto value = gathered(pattern(large, 1));
    write_options how;
    how.condition = write_condition::if_present;
    REQUIRE(uut.set(hashed("k"), value.view(), how, &value) == false);
    CHECK(value.view() == pattern(large, 1));
  }
  CHECK(uut.entries().validate() == "");
}

TEST_CASE("a held value outlives its key", "[large]") {
  held_value held;
  const auto text = pattern(large, 5);
  {
    store uut{{}};
    REQUIRE(uut.set(hashed("k"), text, {}));
    held = hold(uut, "k");
    REQUIRE(held);
    const auto again = hold(uut, "k");
    CHECK(again.view().data() == held.view().data());
    SECTION("that was replaced") {
      REQUIRE(uut.set(hashed("k"), pattern(large, 6), {}));
    }
    SECTION("that was removed") {
      REQUIRE(uut.erase(hashed("k")));
      uut.sweep();
    }
    SECTION("and a clear") {
      REQUIRE(uut.clear());
    }
    SECTION("and its store") {}
  }
  CHECK(held.view() == text);
  held_value moved{std::move(held)};
  CHECK(!held);
  CHECK(moved.view() == text);
  held = std::move(moved);
  CHECK(held.view() == text);
}

TEST_CASE("a small value cannot be held", "[large]") {
  store uut{{}};
  REQUIRE(uut.set(hashed("k"), "v", {}));
  CHECK(!hold(uut, "k"));
  CHECK(!held_value{entry_view{"v"}});
}

TEST_CASE("very large blocks wait to be freed outside of turns", "[large]") {
  constexpr std::size_t size = 20 << 20;
  store uut{{}};
  for (int i = 0; i < 4; ++i)
    REQUIRE(uut.set(hashed("k"), pattern(size, 1), {}));
  auto held = hold(uut, "k");
  REQUIRE(uut.erase(hashed("k")));
  eventually([&] {
    uut.sweep();
    return uut.entries().retired_bytes() == 0;
  });
  memory::large_block::free_waiting();
  CHECK(held.view() == pattern(size, 1));
  held = {};
  memory::large_block::free_waiting();
  memory::large_block::free_waiting();
}

TEST_CASE("readers hold what writers replace", "[large]") {
  store uut{{}};
  REQUIRE(uut.set(hashed("k"), pattern(large, 0), {}));
  std::atomic<int> wrong{0};
  busy_crew readers{2, [&](unsigned) {
                      return [&] {
                        const auto held = hold(uut, "k");
                        const auto seed
                          = static_cast<unsigned char>(held.view()[0]);
                        if (held.view() != pattern(large, seed))
                          ++wrong;
                      };
                    }};
  for (unsigned i = 0; i < 100; ++i) {
    if (i % 10 == 0)
      readers.await_rounds();
    REQUIRE(uut.set(hashed("k"), pattern(large, i), {}));
  }
  readers.stop();
  CHECK(wrong == 0);
}
