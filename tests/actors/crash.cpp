// Shards that crash again and again while everybody goes on: nothing that was
// committed is lost, and everybody gets a value or a typed error.

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/actors/runtime.hpp>

#include "actors/fixture.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

constexpr int kills = 300;

struct fixture : runtime_fixture {
  fixture() : runtime_fixture(patient()) {
    // nop
  }

  static runtime_options patient() {
    runtime_options options;
    options.restart_limit = 1'000'000;
    return options;
  }

  /// Kills shards one after the other, each `distance` after the one before as
  /// measured in operations of the others.
  void kill_shards(const std::atomic<std::uint64_t>& progress,
                   std::uint64_t distance) {
    std::minstd_rand random{42};
    for (int i = 0; i < kills; ++i) {
      auto name = "db0/shard-" + std::to_string(random() % 4);
      auto killed = ask<void>(uut->supervisor(), kill_request{name});
      // One that is on its way back cannot be killed.
      CHECK((killed || killed.error() == errc::unknown_actor));
      auto next = progress + distance;
      eventually([&] { return progress >= next; });
    }
  }

  std::shared_ptr<region> where = open();
};

/// What a caller may see of a crash.
bool is_typed(const error& x) {
  return x == errc::timeout || x == errc::shard_down;
}

} // namespace

TEST_CASE("crashing shards lose no entry that was committed") {
  fixture f;
  constexpr int writers = 3;
  verdict check;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> progress{0};
  std::vector<std::vector<std::string>> committed(writers);
  std::vector<std::jthread> threads;
  threads.reserve(writers);
  for (int id = 0; id < writers; ++id)
    threads.emplace_back([&, id] {
      for (int n = 0; !done; ++n, ++progress) {
        auto key = std::to_string(id) + "-" + std::to_string(n);
        auto stored = f.where->set(key, "value of " + key);
        if (stored)
          committed[static_cast<std::size_t>(id)].push_back(key);
        else
          check(is_typed(stored.error()));
        // Reading needs no actor at all.
        auto read = f.where->get(key);
        check(read && read->has_value() == stored.has_value());
      }
    });
  f.kill_shards(progress, 50);
  done = true;
  threads.clear();
  CHECK(f.where->stats().restarts > 0);
  std::size_t count = 0;
  for (auto& keys : committed)
    for (auto& key : keys) {
      ++count;
      auto value = f.where->get(key);
      check(value && *value == "value of " + key);
    }
  CHECK(f.where->size() == count);
}

TEST_CASE("crashing shards count every increment that was answered") {
  fixture f;
  verdict check;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> progress{0};
  std::atomic<std::int64_t> direct{0};
  std::atomic<std::int64_t> by_message{0};
  std::atomic<std::int64_t> updated{0};
  auto front = *f.uut->actor("db0");
  std::vector<std::jthread> threads;
  threads.reserve(3);
  threads.emplace_back([&] {
    for (; !done; ++progress) {
      auto sum = f.where->increment("direct");
      if (sum)
        ++direct;
      else
        check(is_typed(sum.error()));
    }
  });
  threads.emplace_back([&] {
    caf::scoped_actor self{f.system, true};
    for (; !done; ++progress) {
      auto sum
        = ask<std::int64_t>(self, front, increment_request{"message", 1});
      if (sum)
        ++by_message;
      else
        check(is_typed(sum.error()));
    }
  });
  threads.emplace_back([&] {
    for (; !done; ++progress) {
      auto sum = f.where->update(
        "update",
        [](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
          auto x = old ? std::stoi(std::string{*old}) : 0;
          return std::to_string(x + 1);
        });
      if (sum)
        ++updated;
      else
        check(is_typed(sum.error()));
    }
  });
  f.kill_shards(progress, 50);
  done = true;
  threads.clear();
  CHECK(value_of(*f.where, "direct") == std::to_string(direct));
  CHECK(value_of(*f.where, "message") == std::to_string(by_message));
  CHECK(value_of(*f.where, "update") == std::to_string(updated));
}

TEST_CASE("crashing shards leave no load and nobody who waits for one") {
  fixture f;
  verdict check;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> progress{0};
  std::atomic<std::uint64_t> runs{0};
  std::vector<std::jthread> threads;
  threads.reserve(3);
  for (int id = 0; id < 3; ++id)
    threads.emplace_back([&] {
      // All ask for the same keys, so that they also wait for each other.
      for (int n = 0; !done; ++n, ++progress) {
        auto key = std::to_string(n);
        auto value
          = f.where->get_or_set(key, [&](load_context&) -> expected<bytes> {
              ++runs;
              return "loaded " + key;
            });
        check(value ? *value == "loaded " + key : is_typed(value.error()));
      }
    });
  f.kill_shards(progress, 20);
  done = true;
  threads.clear();
  CHECK(runs > 0);
  CHECK(f.uut->drain().stuck.empty());
}

TEST_CASE("a region whose every shard is given up answers with errors") {
  runtime_options options;
  options.restart_limit = 0;
  runtime_fixture f{options};
  auto where = f.open();
  REQUIRE(where->set("k", "v"));
  verdict check;
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  threads.reserve(2);
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!done) {
        auto stored = where->set("other", "v");
        check(stored || stored.error() == errc::shard_down);
      }
    });
  for (int i = 0; i < 4; ++i)
    REQUIRE(f.ask<void>(f.uut->supervisor(),
                        kill_request{"db0/shard-" + std::to_string(i)}));
  eventually([&] {
    auto list
      = f.ask<actor_list>(f.uut->supervisor(), list_actors_request{"db0/"});
    return std::all_of(list->actors.begin(), list->actors.end(),
                       [](auto& x) { return x.state == "failed"; });
  });
  done = true;
  threads.clear();
  CHECK(where->set("k", "w").error() == errc::shard_down);
  CHECK(where
          ->get_or_set("new",
                       [](load_context&) -> expected<bytes> { return bytes{}; })
          .error()
        == errc::shard_down);
  // What was committed can still be read.
  CHECK(value_of(*where, "k") == "v");
}

namespace {

/// Fails shards and starts them again by order, while clients of keys of their own
/// check that what they invalidated stays invalid.
void check_invalidations(failed_shards how) {
  runtime_options options;
  options.restart_limit = 0;
  options.failed_shards = how;
  runtime_fixture f{options};
  auto where = f.open();
  constexpr int clients = 3;
  constexpr int keys = 40;
  constexpr int failures = 60;
  verdict check;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> refused{0};
  const auto key_of = [](int id, int n) {
    return std::to_string(id) + "-" + std::to_string(n);
  };
  std::vector<std::jthread> threads;
  threads.reserve(clients);
  for (int id = 0; id < clients; ++id)
    threads.emplace_back([&, id] {
      const auto tag = "of " + std::to_string(id);
      write_options tagged;
      tagged.tags.add(tag);
      for (int round = 0; !done; ++round, ++rounds) {
        for (int n = 0; n < keys; ++n) {
          auto stored = where->set(key_of(id, n), "v", tagged);
          if (!stored) {
            ++refused;
            check(is_typed(stored.error()));
          }
        }
        const auto gone
          = round % 3 == 0 ? where->clear() : where->invalidate_tag(tag);
        check(gone.has_value());
        // Also while shards come back.
        for (int again = 0; again < 2; ++again)
          for (int n = 0; n < keys; ++n) {
            auto read = where->get(key_of(id, n));
            check(read && !read->has_value());
          }
      }
    });
  std::minstd_rand random{42};
  for (int i = 0; i < failures; ++i) {
    const auto name = "db0/shard-" + std::to_string(random() % 4);
    f.kill(name);
    const auto next = rounds + 5;
    eventually([&] { return rounds >= next; });
    CHECK(f.uut->restart(name));
  }
  done = true;
  threads.clear();
  CHECK(refused > 0);
  CHECK(f.uut->supervision().crashes == failures);
  CHECK(f.uut->supervision().restarts == failures);
  for (int id = 0; id < clients; ++id)
    for (int n = 0; n < keys; ++n) {
      CHECK(value_of(*where, key_of(id, n)) == "<none>");
      CHECK(where->set(key_of(id, n), "w") == true);
    }
}

} // namespace

TEST_CASE("what was invalidated while a shard is down stays invalid") {
  check_invalidations(failed_shards::serve);
}

TEST_CASE(
  "what was invalidated while a shard is down and absent stays invalid") {
  check_invalidations(failed_shards::absent);
}
