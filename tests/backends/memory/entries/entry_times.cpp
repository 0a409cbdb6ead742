#include <troupe/backends/memory/entries/entry.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::entry;
using memory::entry_attributes;

namespace {

constexpr time_point start{1h};

entry_attributes until(time_point deadline,
                       memory::entry_moments moments = {}) {
  entry_attributes result;
  result.deadline = deadline;
  result.moments = moments;
  return result;
}

/// An entry in a block of exactly its size, so that AddressSanitizer sees each access
/// beyond it.
struct made_entry {
  made_entry(std::size_t key_size, std::size_t value_size,
             const entry_attributes& with)
    : key(key_size, 'k'),
      value(value_size, 'v'),
      block((entry::block_size(key_size, value_size, with) + 7) / 8),
      uut(*entry::make(block.data(), key, value, 7, with)) {
    // nop
  }

  std::string key;
  std::string value;
  std::vector<std::uint64_t> block;
  entry& uut;
};

} // namespace

TEST_CASE("moments lie between the value and the tags", "[entry]") {
  const std::vector<memory::tag_id> ids{3, 5, 8};
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 100U})
    for (const bool slides : {false, true})
      for (const bool tagged : {false, true})
        for (const bool lasting : {false, true}) {
          entry_attributes with;
          with.deadline = start + 10s;
          if (slides) {
            with.idle = 4s;
            with.idle_until = start + 4s;
          }
          if (tagged) {
            with.tags = ids;
            with.born = 42;
          }
          if (lasting)
            with.moments = {20s, -3s, false};
          made_entry made{11, size, with};
          auto& uut = made.uut;
          CHECK(uut.key() == made.key);
          CHECK(uut.value() == made.value);
          CHECK(uut.size() == entry::block_size(11, size, with));
          CHECK(uut.tail_size() == entry::tail_size(with));
          CHECK(uut.has_moments() == lasting);
          CHECK(uut.stale_for() == (lasting ? 20s : 0s));
          const auto end = start + (slides ? 4s : 10s);
          CHECK(uut.deadline() == end);
          CHECK(uut.usable_until() == end + (lasting ? 20s : 0s));
          CHECK(uut.refresh_from() == (lasting && !slides ? start + 7s : end));
          CHECK(uut.tags().size() == (tagged ? 3 : 0));
          if (tagged) {
            CHECK(uut.born() == 42);
            CHECK(uut.tags()[2] == 8);
          }
          std::vector<std::uint64_t> block(made.block.size());
          auto* copied = entry::copy(block.data(), uut);
          CHECK(copied->usable_until() == uut.usable_until());
          CHECK(copied->refresh_from() == uut.refresh_from());
          CHECK(copied->size() == uut.size());
          const auto back = copied->attributes();
          CHECK(back.moments.stale_for == with.moments.stale_for);
          CHECK(back.moments.refresh_offset == with.moments.refresh_offset);
        }
}

TEST_CASE("entries without moments are as large as before", "[entry]") {
  CHECK(entry::block_size(10, 20, {}) == 16 + 30);
  CHECK(entry::block_size(10, 20, until(start)) == 24 + 30);
  CHECK(entry::block_size(10, 20, until(start, {1s, {}, {}})) == 56 + 16);
  made_entry bare{10, 20, {}};
  CHECK(bare.uut.bare());
  CHECK(bare.uut.ends_with_value());
  CHECK(bare.uut.usable_until() == never);
  CHECK(bare.uut.refresh_from() == never);
  made_entry brief{10, 20, until(start)};
  CHECK(brief.uut.usable_until() == start);
  CHECK(brief.uut.refresh_from() == start);
}

TEST_CASE("a refresh is postponed before and after the deadline", "[entry]") {
  made_entry made{10, 20, until(start + 10s, {20s, -5s, false})};
  auto& uut = made.uut;
  CHECK(uut.refresh_from() == start + 5s);
  uut.postpone_refresh(start + 4s);
  CHECK(uut.refresh_from() == start + 5s);
  uut.postpone_refresh(start + 8s);
  CHECK(uut.refresh_from() == start + 8s);
  uut.postpone_refresh(start + 12s);
  CHECK(uut.refresh_from() == start + 12s);
  CHECK(uut.version() == 7);
  uut.touch(start + 100s, 8);
  CHECK(uut.refresh_from() == start + 102s);
  CHECK(uut.usable_until() == start + 120s);
  uut.touch(never, 9);
  CHECK(uut.refresh_from() == never);
  CHECK(uut.usable_until() == never);
  uut.postpone_refresh(start + 1s);
  CHECK(uut.refresh_from() == never);
  CHECK(uut.attributes().moments.stale_for == 0s);
}

TEST_CASE("a moment that the clock cannot express is never", "[entry]") {
  made_entry made{10, 20, until(never - 10s, {20s, 20s, false})};
  CHECK(made.uut.usable_until() == never);
  CHECK(made.uut.refresh_from() == never);
}

TEST_CASE("an entry says that there is no value", "[entry]") {
  made_entry made{10, 0, until(start, {9s, 9s, true})};
  CHECK(made.uut.absence());
  CHECK(made.uut.expired(start));
  CHECK_FALSE(made.uut.used_up(start + 9s - 1ns));
  CHECK(made.uut.used_up(start + 9s));
  CHECK(made.uut.attributes().moments.absence);
}
