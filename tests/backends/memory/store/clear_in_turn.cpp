// A clear that comes in the middle of a turn. The turn has looked for clears when it
// began; entries that die after the clear, of a tag or of old age, must not make it
// see the key's absence and then lose what it stores to that clear.

#include <troupe/backends/memory/store/store.hpp>

#include <functional>
#include <string>
#include <vector>

#include "backends/memory/store/small_store.hpp"
#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::store;

namespace {

const hashed_key k = key_of("k");

/// How the entry dies after the clear.
struct death {
  const char* name;
  write_options how;
  std::function<void(manual_clock&, memory::invalidations&)> come;
};

std::vector<death> deaths() {
  write_options tagged;
  tagged.tags = {"t"};
  write_options expiring;
  expiring.ttl = 10ms;
  write_options idle;
  idle.idle = 10ms;
  const auto grow_old
    = [](manual_clock& time, memory::invalidations&) { time.advance(11ms); };
  return {{"a tag", tagged,
           [](manual_clock&, memory::invalidations& x) {
             REQUIRE(x.tags().invalidate("t"));
           }},
          {"its TTL", expiring, grow_old},
          {"its idle time", idle, grow_old}};
}

/// A change that finds nothing under `k` and stores something there.
struct change {
  const char* name;
  std::function<bool(store&)> make;
};

std::vector<change> changes() {
  write_options if_absent;
  if_absent.condition = write_condition::if_absent;
  write_options if_absent_tagged = if_absent;
  if_absent_tagged.tags = {"u"};
  return {
    {"set if absent",
     [=](store& x) { return x.set(k, "new", if_absent) == true; }},
    {"set if absent, tagged",
     [=](store& x) { return x.set(k, "new", if_absent_tagged) == true; }},
    {"compare and set",
     [](store& x) {
       auto stored = x.compare_and_set(k, no_version, "new", {});
       return stored && *stored;
     }},
    {"increment", [](store& x) { return x.increment(k, 7) == 7; }},
    {"transform",
     [](store& x) {
       auto absent = false;
       return x.transform(k, [&](const entry_view* present) -> expected<edit> {
         absent = present == nullptr;
         return edit::store("new", {});
       }) && absent;
     }},
    {"splice",
     [](store& x) {
       return x
         .transform(k,
                    [&](const entry_view*) -> expected<edit> {
                      return edit::append("new");
                    })
         .has_value();
     }},
  };
}

using fixture = small_store<>;

} // namespace

TEST_CASE(
  "what finds an entry dead that outlived a clear comes after the clear",
  "[store]") {
  for (auto& how : deaths())
    for (auto& what : changes()) {
      INFO(what.name << ", after the entry died of " << how.name);
      fixture f;
      REQUIRE(f.uut.set(k, "old", how.how));
      REQUIRE(f.uut.settle());
      f.forgotten->clear();
      how.come(f.time, *f.forgotten);
      CHECK(what.make(f.uut));
      REQUIRE(f.uut.settle());
      CHECK(f.get(k) != "<none>");
      CHECK(f.uut.entries().validate() == "");
    }
}

TEST_CASE(
  "an update that begins with an entry dead that outlived a clear comes "
  "after the clear",
  "[store][updates]") {
  for (auto& how : deaths()) {
    INFO("after the entry died of " << how.name);
    fixture f;
    REQUIRE(f.uut.set(k, "old", how.how));
    REQUIRE(f.uut.settle());
    f.forgotten->clear();
    how.come(f.time, *f.forgotten);
    auto began = f.uut.begin_update(k, 1);
    REQUIRE(began);
    CHECK_FALSE(began->value);
    // The clear is behind it, so it does not overtake.
    REQUIRE(f.uut.settle());
    CHECK(f.uut.commit_update(k, 1, "new", {}) == update_outcome::stored);
    CHECK(f.get(k) == "new");
  }
}

TEST_CASE("a change that an ended region meets in the middle of its turn fails",
          "[store]") {
  fixture f;
  write_options how;
  how.ttl = 10ms;
  REQUIRE(f.uut.set(k, "old", how));
  REQUIRE(f.uut.settle());
  f.forgotten->stop();
  f.time.advance(11ms);
  for (auto& what : changes()) {
    INFO(what.name);
    CHECK_FALSE(what.make(f.uut));
  }
}
