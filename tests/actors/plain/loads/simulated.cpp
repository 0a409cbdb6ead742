// Races between loads and invalidations, in the order that seeds choose.
//
// The value of the key is the number of a database's state. A task that invalidates
// changes the database first. So a value is older than an invalidation that has returned
// when its number is below the floor.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/testing/explore.hpp>

#include "catch.hpp"
#include "region_shards.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using troupe::testing::explore;
using troupe::testing::simulation;

namespace {

enum class change { erase, set, tag, clear };

/// When the loader says its tag.
enum class says_tag { caller, before_reading, after_reading };

struct race_terms {
  region_options options = {};
  says_tag tag = says_tag::caller;
  /// Percent of the calls whose loader runs on the pool.
  unsigned pool = 30;
  /// The longest time that a loader takes.
  std::chrono::nanoseconds slow{0};
  /// Percent of the loaders that throw.
  unsigned throws = 0;
  /// Loaders may run beside each other, because they take longer than `load_timeout`.
  bool overlap = false;
};

class race {
public:
  race(simulation& sim, race_terms how)
    : sim_(sim),
      how_(std::move(how)),
      uut_(sim.open("test", how_.options).value()) {
    // nop
  }

  /// A task that gets the key, `n` times.
  void add_reader(const std::string& name, int n) {
    sim_.task(name, [this, n] {
      for (int i = 0; i < n; ++i) {
        pause();
        ask();
      }
    });
  }

  /// A task that makes one of these changes, `n` times.
  void add_writer(const std::string& name, int n, std::vector<change> kinds) {
    sim_.task(name, [this, n, kinds = std::move(kinds)] {
      for (int i = 0; i < n; ++i) {
        pause();
        make(kinds[sim_.below(kinds.size())]);
        look();
      }
    });
  }

  /// A task that looks what is stored, `n` times.
  void add_looker(int n) {
    sim_.task("looks", [this, n] {
      for (int i = 0; i < n; ++i) {
        pause();
        look();
      }
    });
  }

  void run() {
    sim_.run();
    look();
    CHECK(broken_table(*uut_) == "");
    // Nothing holds the lease: a load runs, or a value is stored.
    const auto value = uut_->get_or_set(
      "k",
      // A refresh may outlive this object: outside of the run the pool is real.
      [number = database_](load_context&) -> expected<std::optional<bytes>> {
        return std::to_string(number);
      });
    REQUIRE(value.has_value());
    CHECK(std::stoi(value.value().value()) >= floor_);
  }

private:
  /// A loader that runs.
  struct running {
    int number;
    int returned; ///< Invalidations that had returned when its caller asked.
  };

  void pause() {
    if (how_.slow > 0ns && sim_.chance(50))
      sim_.sleep(std::chrono::nanoseconds{
        sim_.below(static_cast<std::uint64_t>(how_.slow.count()) + 1)});
  }

  void ask() {
    const auto floor = floor_;
    write_options how;
    if (how_.tag == says_tag::caller)
      how.tags.add("t");
    const auto on = sim_.chance(how_.pool) ? load_on::pool : load_on::caller;
    const auto answer
      = uut_->get_or_load("k",
                          [this, returned = returned_](load_context& context) {
                            return load(context, returned);
                          },
                          how, {.on = on});
    if (!answer.value) {
      sim_.expect(how_.throws > 0 || how_.overlap,
                  "a load failed: " + to_string(answer.value.error()));
      return;
    }
    sim_.expect(answer.value->has_value(), "a caller got no value");
    const auto number = std::stoi(**answer.value);
    sim_.expect(number >= floor, "a caller got " + std::to_string(number)
                                   + ", but change " + std::to_string(floor)
                                   + " was known before it asked");
  }

  /// `returned`: the invalidations that had returned when the loader's caller asked.
  expected<std::optional<bytes>> load(load_context& context, int returned) {
    const auto own = ++loaders_;
    // A second attempt may belong to a load that was voided long ago.
    if (context.attempt() == 1) {
      for (const auto& x : running_)
        sim_.expect(how_.overlap || begun_ > std::min(x.returned, returned),
                    "two loaders run, and no invalidation was made");
      running_.push_back({own, returned});
    }
    if (how_.tag == says_tag::before_reading)
      context.tag("t");
    sim_.step("loader begins");
    const auto number = database_;
    sim_.step("loader has read " + std::to_string(number));
    if (how_.slow > 0ns && sim_.chance(50))
      sim_.sleep(std::chrono::nanoseconds{
        sim_.below(static_cast<std::uint64_t>(how_.slow.count()) + 1)});
    if (how_.tag == says_tag::after_reading)
      context.tag("t");
    sim_.step("loader ends");
    std::erase_if(running_,
                  [own](const running& x) { return x.number == own; });
    if (sim_.chance(how_.throws))
      throw std::runtime_error{"as the seed chose"};
    return std::to_string(number);
  }

  void make(change kind) {
    ++begun_;
    const auto number = ++database_;
    bool ok = false;
    switch (kind) {
      case change::erase:
        ok = uut_->erase("k").has_value();
        break;
      case change::set: {
        write_options how;
        how.tags.add("t");
        ok = uut_->set("k", std::to_string(number), how).has_value();
        break;
      }
      case change::tag:
        ok = uut_->invalidate_tag("t").has_value();
        break;
      case change::clear:
        ok = uut_->clear().has_value();
        break;
    }
    sim_.expect(ok, "an invalidation failed");
    floor_ = std::max(floor_, number);
    ++returned_;
  }

  /// What is stored is no older than the floor.
  void look() {
    const auto floor = floor_;
    const auto value = uut_->get("k");
    sim_.expect(value.has_value(), "a read failed");
    if (*value)
      sim_.expect(std::stoi(**value) >= floor,
                  "the value " + **value + " is stored, but change "
                    + std::to_string(floor) + " was made before");
  }

  simulation& sim_;
  const race_terms how_;
  const std::shared_ptr<region> uut_;
  int database_ = 0;
  int floor_ = 0;
  int begun_ = 0;
  int returned_ = 0;
  int loaders_ = 0;
  std::vector<running> running_;
};

/// Seeds of each case.
constexpr std::uint64_t seeds = 500;

void explore_changes(const std::vector<change>& kinds, const race_terms& how,
                     std::uint64_t first, std::uint64_t count = seeds) {
  explore({first, count}, [&](simulation& sim) {
    race x{sim, how};
    x.add_reader("reader 1", 2);
    x.add_reader("reader 2", 2);
    x.add_reader("reader 3", 1);
    x.add_writer("writer", 2, kinds);
    x.add_looker(2);
    x.run();
  });
}

} // namespace

TEST_CASE("no load overtakes an erase, in any order", "[loads][simulated]") {
  explore_changes({change::erase}, {}, 1);
}

TEST_CASE("no load overtakes a set, in any order", "[loads][simulated]") {
  explore_changes({change::set}, {}, 10'001);
}

TEST_CASE("no load overtakes a clear, in any order", "[loads][simulated]") {
  explore_changes({change::clear}, {}, 20'001);
}

TEST_CASE(
  "no load overtakes the invalidation of a tag that its caller gave, in any "
  "order",
  "[loads][simulated]") {
  explore_changes({change::tag}, {.tag = says_tag::caller}, 30'001);
}

TEST_CASE(
  "no load overtakes the invalidation of a tag that its loader says first, in "
  "any order",
  "[loads][simulated]") {
  explore_changes({change::tag}, {.tag = says_tag::before_reading}, 40'001);
}

TEST_CASE(
  "no load overtakes the invalidation of a tag that its loader learns from its "
  "result, in any order",
  "[loads][simulated]") {
  explore_changes({change::tag}, {.tag = says_tag::after_reading}, 50'001,
                  2 * seeds);
}

TEST_CASE("no load overtakes invalidations of two tasks, in any order",
          "[loads][simulated]") {
  explore({60'001, seeds}, [](simulation& sim) {
    race x{sim,
           {.tag = sim.chance(50) ? says_tag::before_reading
                                  : says_tag::after_reading}};
    const std::vector<change> all{change::erase, change::tag, change::clear};
    x.add_reader("reader 1", 2);
    x.add_reader("reader 2", 2);
    x.add_writer("writer 1", 2, all);
    x.add_writer("writer 2", 2, all);
    x.run();
  });
}

TEST_CASE("loaders that throw or take too long are replaced, in any order",
          "[loads][simulated]") {
  explore({70'001, seeds}, [](simulation& sim) {
    race x{sim,
           {.options = {.load_timeout = 40ms},
            .tag = says_tag::after_reading,
            .slow = 80ms,
            .throws = 20,
            .overlap = true}};
    x.add_reader("reader 1", 3);
    x.add_reader("reader 2", 3);
    x.add_reader("reader 3", 2);
    x.add_writer("writer", 3, {change::erase, change::tag, change::clear});
    x.run();
  });
}

TEST_CASE("no refresh overtakes an invalidation, in any order",
          "[loads][simulated]") {
  const auto kind
    = GENERATE(change::erase, change::set, change::tag, change::clear);
  const auto tag = GENERATE(says_tag::caller, says_tag::after_reading);
  explore({80'001, seeds / 2}, [&](simulation& sim) {
    race x{sim,
           {.options = {.ttl = 40ms,
                        .fail_safe = 200ms,
                        .fail_safe_throttle = 10ms,
                        .stale_while_revalidate = 100ms,
                        .refresh_ahead = 0.4},
            .tag = tag,
            .slow = 60ms,
            .throws = 10}};
    x.add_reader("reader 1", 4);
    x.add_reader("reader 2", 4);
    x.add_writer("writer", 2, {kind});
    x.add_looker(2);
    x.run();
  });
}

TEST_CASE("loads that load end, in any order", "[loads][simulated]") {
  explore({90'001, seeds}, [](simulation& sim) {
    auto uut = sim.open("test").value();
    const std::vector<std::string> keys{"a", "b", "c"};
    int cycles = 0;
    bytes_loader loader
      = [&](load_context& context) -> expected<std::optional<bytes>> {
      sim.step("loader begins");
      if (sim.chance(60)) {
        const auto inner = uut->get_or_set(keys[sim.below(3)], loader);
        if (!inner) {
          sim.expect(inner.error() == errc::load_cycle,
                     to_string(inner.error()));
          ++cycles;
          if (sim.chance(50))
            return tl::unexpected{inner.error()};
        }
      }
      sim.step("loader ends");
      return bytes{context.key()};
    };
    for (const char* name : {"one", "two", "three"})
      sim.task(name, [&] {
        for (int i = 0; i < 2; ++i) {
          const auto& key = keys[sim.below(3)];
          const auto on = sim.chance(30) ? load_on::pool : load_on::caller;
          const auto value = uut->get_or_set(key, loader, {}, {.on = on});
          sim.expect(value ? *value == key : value.error() == errc::load_cycle,
                     value ? "a foreign value" : to_string(value.error()));
          sim.expect(uut->erase(keys[sim.below(3)]).has_value(), "erase");
        }
      });
    sim.run();
    CHECK(broken_table(*uut) == "");
  });
}
