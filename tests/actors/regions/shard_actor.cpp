#include <troupe/actors/regions/shard_actor.hpp>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/actors/loads/load_coordinator.hpp>

#include "actors/fixture.hpp"
#include "region_shards.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

/// One shard's actor without the rest of a runtime.
struct fixture {
  fixture() {
    region_options options;
    options.shards = 4;
    where = open_region("db0", options, time, executor, loads);
    spec = supervised_shard(system, where, index, directory,
                            [](const caf::strong_actor_ptr&) {});
    start(false);
    key = key_of(index);
    other_key = key_of(index + 1);
  }

  // Every test ends with a look at the tables' structure.
  ~fixture() {
    CHECK(broken_table(*where) == "");
    where->stop();
    spec.end(false);
    actor = nullptr;
    directory->clear();
    CHECK(loads->drain(std::chrono::steady_clock::now()).empty());
    executor->close();
  }

  void start(bool again) {
    spec.start(again);
    actor = caf::actor_cast<shard_actor>(directory->shard(index));
  }

  /// Any key of a shard.
  std::string key_of(std::size_t which) {
    for (int i = 0;; ++i)
      if (shard_of(*where, std::to_string(i)) == which)
        return std::to_string(i);
  }

  memory::shard& uut() {
    return shard_at(*where, index);
  }

  template <class Reply, class Request>
  expected<Reply> ask(Request request) {
    return ::ask<Reply>(self, actor, std::move(request));
  }

  static constexpr std::size_t index = 1;
  small_config cfg;
  caf::actor_system system{cfg};
  manual_clock time;
  std::shared_ptr<lane_scheduler> executor
    = std::make_shared<lane_scheduler>(system);
  std::shared_ptr<load_coordinator> loads
    = std::make_shared<load_coordinator>(time);
  std::shared_ptr<region> where;
  std::shared_ptr<region_directory> directory
    = std::make_shared<region_directory>(4);
  child_spec spec;
  shard_actor actor;
  std::string key;
  std::string other_key;
  caf::scoped_actor self{system, true};
};

} // namespace

TEST_CASE("a shard's actor answers every message") {
  fixture f;
  CHECK(f.ask<bool>(set_request{f.key, "5", {}}) == true);
  CHECK(f.ask<get_reply>(get_request{f.key})->value == "5");
  CHECK(f.ask<bool>(contains_request{f.key}) == true);
  CHECK(f.ask<ttl_reply>(ttl_request{f.key})->ttl == no_expiry);
  CHECK(f.ask<bool>(touch_request{f.key, 1s}) == true);
  CHECK(f.ask<std::int64_t>(increment_request{f.key, 2}) == 7);
  auto stored
    = f.ask<compare_and_set_reply>(compare_and_set_request{f.key, 1, "9", {}});
  CHECK(stored->version == no_version);
  CHECK(f.ask<bool>(erase_request{f.key}) == true);
  CHECK(f.ask<void>(clear_request{}));
}

TEST_CASE("a shard's actor refuses keys of other shards") {
  fixture f;
  CHECK(f.ask<bool>(set_request{f.other_key, "v", {}}).error()
        == errc::invalid_argument);
  CHECK(f.ask<get_reply>(get_request{f.other_key}).error()
        == errc::invalid_argument);
  CHECK(f.where->size() == 0);
}

TEST_CASE("a shard's actor and direct calls stand in one line") {
  fixture f;
  verdict check;
  std::atomic<long long> called{0};
  busy_crew caller{1, [&](unsigned) {
                     return [&] {
                       check(f.where->increment(f.key).has_value());
                       ++called;
                     };
                   }};
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(f.ask<std::int64_t>(increment_request{f.key, 1'000'000}));
    if (i % 500 == 0)
      caller.await_rounds();
  }
  caller.stop();
  CHECK(std::stoll(value_of(*f.where, f.key)) == 2'000 * 1'000'000LL + called);
}

TEST_CASE("a message waits for an update lease, those behind it do not") {
  fixture f;
  // Holds the key's update lease as a slow update would.
  auto& shard = f.uut();
  hashed_key key{f.key};
  REQUIRE(shard.run([&](memory::store& x) { return x.begin_update(key, 1); }));
  auto waits
    = f.self->request(f.actor, caf::infinite, increment_request{f.key, 1});
  CHECK(f.ask<get_reply>(get_request{f.key})->found == false);
  REQUIRE(shard.run([&](memory::store& x) {
    return x.commit_update(key, 1, bytes_view{"41"}, {});
  }));
  waits.receive([](std::int64_t x) { CHECK(x == 42); },
                [&](const caf::error& e) { FAIL(f.system.render(e)); });
}

TEST_CASE("a shard keeps its entries when its actor dies, and calls wait") {
  fixture f;
  REQUIRE(f.where->set(f.key, "kept"));
  f.spec.end(true);
  CHECK(f.uut().state() == memory::shard_state::restarting);
  CHECK(f.ask<bool>(erase_request{f.key}).error() == errc::shard_down);
  // Reading needs no actor.
  CHECK(value_of(*f.where, f.key) == "kept");
  auto erased = erase_async(*f.where, f.key);
  CHECK(erased.wait_for(0s) == std::future_status::timeout);
  f.start(true);
  CHECK(erased.get() == true);
  CHECK(f.ask<bool>(contains_request{f.key}) == false);
  CHECK(f.uut().restarts() == 1);
}

TEST_CASE("a shard whose actor is given up answers with an error") {
  fixture f;
  f.spec.end(true);
  auto waiting = erase_async(*f.where, f.key);
  f.spec.give_up();
  CHECK(waiting.get().error() == errc::shard_down);
  CHECK(f.where->set(f.key, "v").error() == errc::shard_down);
  CHECK(f.uut().state() == memory::shard_state::failed);
}

TEST_CASE("a message that waits for a lease is answered when the shard stops") {
  fixture f;
  hashed_key key{f.key};
  REQUIRE(
    f.uut().run([&](memory::store& x) { return x.begin_update(key, 1); }));
  auto waits
    = f.self->request(f.actor, caf::infinite, increment_request{f.key, 1});
  f.where->stop();
  waits.receive(
    [](std::int64_t) { FAIL("stored after the stop"); },
    [](const caf::error& e) { CHECK(from_caf(e) == errc::shutting_down); });
}
