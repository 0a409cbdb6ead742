// Several changes as one, at the limits: there is room for all of them, or none is
// done.

#include <troupe/backends/memory/turns/turn_plan.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/turns/joint_turn.hpp>

#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

region_options limited(std::size_t bytes, eviction_policy how,
                       ttl_duration fail_safe) {
  region_options result;
  result.fail_safe = fail_safe;
  result.max_bytes = bytes;
  result.eviction = how;
  result.shards = 4;
  return result;
}

struct fixture : region_fixture {
  explicit fixture(std::size_t bytes = mib,
                   eviction_policy how = eviction_policy::none,
                   ttl_duration fail_safe = ttl_duration::zero())
    : region_fixture(limited(bytes, how, fail_safe)) {
    // nop
  }

  /// As many as fit; returns how many.
  std::size_t fill(std::size_t size) {
    const std::string value(size, 'f');
    std::size_t result = 0;
    while (uut->set("fill:" + std::to_string(result), value))
      ++result;
    return result;
  }

  void make_room(std::size_t entries) {
    for (std::size_t i = 0; i < entries; ++i)
      REQUIRE(uut->erase("fill:" + std::to_string(i)) == true);
  }

  std::size_t charged() {
    std::size_t result = 0;
    for (auto* x : shards(*uut).all().made())
      result += x->store().entries().charged();
    return result;
  }

  static std::vector<std::string> names(std::size_t count) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < count; ++i)
      result.push_back("name:" + std::to_string(i));
    return result;
  }
};

/// A turn over these keys, for one plan.
class planned_turn {
public:
  planned_turn(region& where, const std::vector<std::string>& keys) {
    for (const auto& x : keys)
      turn.add(shards(where), x);
    const auto begun = turn.begin();
    REQUIRE(begun);
  }

  memory::joint_turn turn;
  memory::turn_plan plan;
};

error refusal(memory::turn_plan& plan) {
  const auto reserved = plan.reserve();
  REQUIRE(!reserved);
  return reserved.error();
}

} // namespace

TEST_CASE("many values are stored as a whole or not at all", "[turn-plan]") {
  fixture f;
  const auto filled = f.fill(500);
  const auto keys = f.names(60);
  const std::string value(500, 'n');
  for (auto room = 0;; ++room) {
    planned_turn in{*f.uut, keys};
    for (const auto& x : keys)
      in.plan.set(shards(*f.uut), x, value.size(), false);
    const auto reserved = in.plan.reserve();
    if (reserved) {
      // Some room was not enough.
      CHECK(room > 50);
      CHECK(room < 80);
      for (const auto& x : keys)
        REQUIRE(f.uut->set(x, value) == true);
      break;
    }
    CHECK(reserved.error() == errc::limit_reached);
    in.turn.end();
    REQUIRE(static_cast<std::size_t>(room) < filled);
    REQUIRE(f.uut->erase("fill:" + std::to_string(room)) == true);
  }
  CHECK(f.charged() <= mib);
}

TEST_CASE("what is replaced or erased before makes room in a plan",
          "[turn-plan]") {
  fixture f;
  const auto keys = f.names(20);
  for (const auto& x : keys)
    REQUIRE(f.uut->set(x, std::string(1000, 'a')) == true);
  f.fill(100);
  SECTION("replaced") {
    planned_turn in{*f.uut, keys};
    for (const auto& x : keys)
      in.plan.set(shards(*f.uut), x, 1000, false);
    REQUIRE(in.plan.reserve());
    for (const auto& x : keys)
      REQUIRE(f.uut->set(x, std::string(1000, 'b')) == true);
  }
  SECTION("larger ones do not fit") {
    planned_turn in{*f.uut, keys};
    for (const auto& x : keys)
      in.plan.set(shards(*f.uut), x, 4000, false);
    CHECK(refusal(in.plan) == errc::limit_reached);
  }
  SECTION("erased and stored again") {
    // A key that comes back asks for a place in the index, for a moment.
    f.make_room(8);
    planned_turn in{*f.uut, keys};
    for (const auto& x : keys) {
      in.plan.erase(shards(*f.uut), x);
      in.plan.set(shards(*f.uut), x, 1000, false);
    }
    REQUIRE(in.plan.reserve());
    for (const auto& x : keys) {
      REQUIRE(f.uut->erase(x) == true);
      REQUIRE(f.uut->set(x, std::string(1000, 'b')) == true);
    }
  }
  SECTION("what may not be stored is not counted as gone") {
    const auto all = f.names(2 * keys.size());
    planned_turn in{*f.uut, all};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      in.plan.set(shards(*f.uut), all[i], 10, false,
                  memory::turn_plan::step::depends);
      in.plan.set(shards(*f.uut), all[keys.size() + i], 900, false);
    }
    CHECK(refusal(in.plan) == errc::limit_reached);
  }
}

TEST_CASE("a value that no limit admits is refused before the turn",
          "[turn-plan]") {
  for (auto how : {eviction_policy::none, eviction_policy::s3_fifo}) {
    fixture f{mib, how};
    REQUIRE(f.uut->set("old", "keep") == true);
    const std::vector<std::string> keys{"old", "big"};
    planned_turn in{*f.uut, keys};
    in.plan.set(shards(*f.uut), "old", 3, false);
    in.plan.set(shards(*f.uut), "big", mib, false);
    CHECK(refusal(in.plan) == errc::value_too_large);
  }
}

TEST_CASE("where others are evicted everything else has room", "[turn-plan]") {
  fixture f{mib, eviction_policy::s3_fifo};
  f.uut->set("fill", "x").value();
  for (int i = 0; i < 5'000; ++i)
    REQUIRE(f.uut->set("fill:" + std::to_string(i), std::string(500, 'f')));
  const auto keys = f.names(200);
  planned_turn in{*f.uut, keys};
  for (const auto& x : keys)
    in.plan.set(shards(*f.uut), x, 500, false);
  REQUIRE(in.plan.reserve());
  for (const auto& x : keys)
    REQUIRE(f.uut->set(x, std::string(500, 'n')) == true);
}

TEST_CASE("a value that is moved takes no room in a plan", "[turn-plan]") {
  fixture f{2 * mib};
  const std::string large(mib / 2, 'l');
  REQUIRE(f.uut->set("a", large));
  // Full but for less than the value has.
  REQUIRE(f.fill(900) > 1'000);
  // Room for places in the index, not for the value.
  f.make_room(3);
  const std::vector<std::string> keys{"a", "b", "c"};
  planned_turn in{*f.uut, keys};
  in.plan.move(shards(*f.uut), "a", "b");
  in.plan.move(shards(*f.uut), "b", "c");
  in.plan.erase(shards(*f.uut), "c");
  in.plan.set(shards(*f.uut), "c", large.size() / 2, false);
  REQUIRE(in.plan.reserve());
  REQUIRE(f.uut->rename("a", "b", false) == transfer_result::done);
  REQUIRE(f.uut->rename("b", "c", false) == transfer_result::done);
  REQUIRE(f.uut->erase("c") == true);
  REQUIRE(f.uut->set("c", std::string(large.size() / 2, 'c')) == true);
  CHECK(f.charged() <= 2 * mib);
}

TEST_CASE("a plan allows for whatever each step may take", "[turn-plan]") {
  // Random turns, planned as the server plans its commands, in a region that is
  // always nearly full: what was reserved never fails.
  const auto fail_safe = GENERATE(ttl_duration{0}, ttl_duration{1h});
  fixture f{mib / 2, eviction_policy::none, fail_safe};
  std::minstd_rand random{7};
  const auto keys = f.names(40);
  int done = 0;
  int refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    struct act {
      int kind;
      const std::string* key;
      const std::string* other;
      std::size_t size;
    };
    std::vector<act> acts;
    const auto any = [&] { return &keys[random() % keys.size()]; };
    for (auto n = 1 + random() % 12; n > 0; --n)
      acts.push_back({static_cast<int>(random() % 9), any(), any(),
                      random() % (round % 2 == 0 ? 2'000 : 60'000)});
    planned_turn in{*f.uut, keys};
    for (const auto& x : acts)
      switch (x.kind) {
        case 0:
          in.plan.set(shards(*f.uut), *x.key, x.size, false);
          break;
        case 1:
          in.plan.set(shards(*f.uut), *x.key, x.size, true,
                      memory::turn_plan::step::depends);
          break;
        case 2:
          in.plan.append(shards(*f.uut), *x.key, x.size);
          break;
        case 3:
          in.plan.overwrite(shards(*f.uut), *x.key, x.size);
          break;
        case 4:
          in.plan.expire(shards(*f.uut), *x.key);
          break;
        case 5:
          in.plan.erase(shards(*f.uut), *x.key);
          break;
        case 6:
          in.plan.copy(shards(*f.uut), *x.key, shards(*f.uut), *x.other);
          break;
        case 7:
          in.plan.move(shards(*f.uut), *x.key, *x.other,
                       memory::turn_plan::step::depends);
          break;
        default:
          in.plan.move(shards(*f.uut), *x.key, *x.other);
      }
    if (!in.plan.reserve()) {
      ++refused;
      in.turn.end();
      // Some room again, now and then.
      if (random() % 4 == 0)
        REQUIRE(f.uut->erase(*any()));
      continue;
    }
    ++done;
    for (const auto& x : acts) {
      CAPTURE(round, x.kind, *x.key, *x.other, x.size);
      const std::string value(x.size, 'v');
      write_options how;
      if (x.kind == 1) {
        how.ttl = 100s;
        how.condition = write_condition::if_absent;
      }
      const auto splice = [&](edit next) {
        return f.uut
          ->transform(*x.key,
                      [&](const entry_view*) -> expected<edit> { return next; })
          .has_value();
      };
      auto ok = true;
      switch (x.kind) {
        case 0:
        case 1:
          ok = f.uut->set(*x.key, value, how).has_value();
          break;
        case 2:
          ok = splice(edit::append(value));
          break;
        case 3:
          ok = splice(edit::overwrite(0, value));
          break;
        case 4:
          ok = f.uut->touch(*x.key, 50s).has_value();
          break;
        case 5:
          ok = f.uut->erase(*x.key).has_value();
          break;
        case 6:
          ok = x.key == x.other
               || f.uut->copy(*x.key, *f.uut, *x.other, false).has_value();
          break;
        default:
          ok = x.key == x.other
               || f.uut->rename(*x.key, *x.other, x.kind == 7).has_value();
      }
      REQUIRE(ok);
    }
  }
  CHECK(done > 500);
  CHECK(refused > 200);
  CHECK(f.charged() <= mib / 2);
}

TEST_CASE("nobody takes the room that a turn has reserved",
          "[turn-plan][concurrency]") {
  fixture f{2 * mib};
  std::atomic<bool> stop{false};
  // Others take and leave room all the time, in the same shards and others.
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t)
    others.emplace_back([&, t] {
      std::minstd_rand random{static_cast<unsigned>(t + 1)};
      while (!stop) {
        const auto key = "other:" + std::to_string(random() % 3'000);
        if (random() % 3 == 0)
          std::ignore = f.uut->erase(key);
        else
          std::ignore = f.uut->set(key, std::string(random() % 2'000, 'o'));
      }
    });
  std::minstd_rand random{3};
  int done = 0;
  int refused = 0;
  int lost = 0;
  const auto keys = f.names(30);
  // The others fill the region while this thread waits for them to run.
  for (int round = 0; (done < 1'000 || refused < 100) && lost == 0; ++round) {
    REQUIRE(round < 10'000'000);
    const std::string value(random() % 3'000, 'n');
    planned_turn in{*f.uut, keys};
    for (const auto& x : keys)
      in.plan.set(shards(*f.uut), x, value.size(), false);
    if (!in.plan.reserve()) {
      ++refused;
      continue;
    }
    ++done;
    for (const auto& x : keys)
      lost += f.uut->set(x, value) ? 0 : 1;
  }
  stop = true;
  for (auto& x : others)
    x.join();
  CHECK(lost == 0);
  CHECK(f.charged() <= 2 * mib);
}
