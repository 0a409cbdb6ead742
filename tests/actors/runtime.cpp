#include <troupe/actors/runtime.hpp>

#include <future>
#include <latch>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <troupe/messages/caf/inspect_codec.hpp>

#include "actors/fixture.hpp"
#include "region_shards.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

TEST_CASE("a runtime opens a region once") {
  runtime_fixture f;
  auto first = f.open("db0");
  CHECK(f.open("db0") == first);
  CHECK(*f.uut->find("db0") == first);
  CHECK(f.uut->find("db1").error() == errc::unknown_region);
  CHECK(f.uut->actor("db1").error() == errc::unknown_region);
  CHECK(shard_count(*first) == 4);
  CHECK(f.open("db1") != first);
}

TEST_CASE("a region keeps its value type") {
  runtime_fixture f;
  REQUIRE(f.uut->open<int>("numbers"));
  CHECK(f.uut->open<int>("numbers"));
  CHECK(f.uut->open<long>("numbers").error() == errc::type_mismatch);
  CHECK(f.uut->open<std::string>("numbers").error() == errc::type_mismatch);
  CHECK(f.uut->open_region("numbers").error() == errc::type_mismatch);
  REQUIRE(f.uut->open<std::string>("texts"));
  // Both are the stored bytes themselves.
  CHECK(f.uut->open<std::vector<std::byte>>("texts"));
  CHECK(f.uut->open_region("texts"));
}

TEST_CASE("a region keeps its options") {
  runtime_fixture f;
  region_options options;
  options.ttl = 5s;
  REQUIRE(f.uut->open_region("db0", options));
  CHECK(f.uut->open_region("db0", options));
  CHECK(f.uut->open_region("db0"));
  auto other = options;
  other.ttl = 6s;
  auto refused = f.uut->open_region("db0", other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == errc::invalid_argument);
  CHECK(refused.error().text().find("ttl") != std::string::npos);
  other = options;
  other.idle = 6s;
  refused = f.uut->open_region("db0", other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text().find("idle") != std::string::npos);
  other = options;
  other.shards = 64;
  CHECK(f.uut->open_region("db0", other).error() == errc::invalid_argument);
  other = options;
  other.max_value_size = 1;
  CHECK(f.uut->open_region("db0", other).error() == errc::invalid_argument);
}

TEST_CASE("bad names and options of a region are refused") {
  runtime_fixture f;
  for (const char* name :
       {"", "a/b", "a b", "supervisor", "load-coordinator", "\n"})
    CHECK(f.uut->open_region(name).error() == errc::invalid_argument);
  CHECK(f.uut->open_region(std::string(101, 'x')).error()
        == errc::invalid_argument);
  CHECK(f.uut->open_region(std::string(100, 'x')));
  region_options options;
  options.shards = 3;
  CHECK(f.uut->open_region("db0", options).error() == errc::invalid_argument);
  options = {};
  options.ttl = 0s;
  CHECK(f.uut->open_region("db0", options).error() == errc::invalid_argument);
  CHECK(f.uut->find("db0").error() == errc::unknown_region);
}

TEST_CASE("what a region leaves open is taken from the configuration") {
  runtime_options options;
  options.shards = 8;
  options.op_timeout = 77ms;
  options.load_timeout = 88ms;
  options.queue_timeout = 99ms;
  runtime_fixture f{options};
  auto where = f.open();
  CHECK(where->options().shards == 8);
  CHECK(where->options().op_timeout == 77ms);
  CHECK(where->options().load_timeout == 88ms);
  CHECK(where->options().queue_timeout == 99ms);
  region_options own;
  own.op_timeout = 5ms;
  CHECK((*f.uut->open_region("own", own))->options().op_timeout == 5ms);
}

TEST_CASE("a region is opened again with the namespaces that it has") {
  runtime_fixture f;
  region_options options;
  options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 0},
                        {"b:", 1 << 21, 0, std::nullopt, 0}};
  auto first = f.uut->open_region("spaces", options);
  REQUIRE(first);
  CHECK(f.uut->open_region("spaces", options) == first);
  auto other = options;
  other.namespaces[1].max_bytes += 1;
  auto refused = f.uut->open_region("spaces", other);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::invalid_argument);
  CHECK(refused.error().text().find("namespaces") != std::string::npos);
  other = options;
  other.namespaces.pop_back();
  CHECK(!f.uut->open_region("spaces", other));
  CHECK(!f.uut->open_region("spaces", region_options{}));
}

TEST_CASE("bad namespaces are refused with what is wrong") {
  runtime_fixture f;
  auto refusal = [&](std::vector<namespace_options> all,
                     std::size_t max_key_size = defaults::max_key_size) {
    region_options options;
    options.shards = 1;
    options.max_key_size = max_key_size;
    options.namespaces = std::move(all);
    auto opened = f.uut->open_region("bad", options);
    REQUIRE(!opened);
    CHECK(opened.error() == errc::invalid_argument);
    return opened.error().text();
  };
  auto has = [](const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  auto of = [](std::string prefix, std::size_t max_bytes = 1 << 20,
               std::size_t shards = 0) {
    return namespace_options{std::move(prefix), max_bytes, 0, std::nullopt,
                             shards};
  };
  CHECK(has(refusal({of("")}), "empty"));
  CHECK(has(refusal({of("a:"), of("b:"), of("a:")}), "a:: the prefix occurs"));
  CHECK(has(refusal({of("a:", 0)}), "no limit"));
  CHECK(has(refusal({of("a:", 1023)}), "1024"));
  CHECK(has(refusal({of("a:", 1024 * 3, 4)}), "4096"));
  CHECK(has(refusal({of("a:", 1 << 20, 3)}), "power of two up to 64"));
  CHECK(has(refusal({of("a:", 1 << 20, 128)}), "power of two up to 64"));
  CHECK(has(refusal({of("12345")}, 4), "5 bytes"));
  CHECK(has(refusal({of(std::string{"\n\xff x", 4}, 0)}), "\\x0a\\xff\\x20x"));
  std::vector<namespace_options> many;
  for (int i = 0; i < 65; ++i)
    many.push_back(of(std::to_string(i) + ":"));
  CHECK(has(refusal(many), "up to 64"));
  many.pop_back();
  region_options options;
  options.shards = 1;
  options.namespaces = many;
  auto opened = f.uut->open_region("many", options);
  REQUIRE(opened);
  CHECK(shard_count(**opened) == 65);
}

TEST_CASE("a runtime reads the options of its actor system") {
  small_config cfg;
  std::istringstream none;
  REQUIRE(cfg.parse({"--troupe.shards=32"}, none));
  caf::actor_system system{cfg};
  runtime uut{system};
  CHECK(shard_count(**uut.open_region("db0")) == 32);
}

TEST_CASE("a runtime does not start with options that make no sense") {
  small_config cfg;
  put(cfg.content, "troupe.shards", 3);
  caf::actor_system system{cfg};
  CHECK_THROWS_AS(runtime{system}, std::invalid_argument);
  runtime_options options;
  options.loader_threads = 0;
  CHECK_THROWS_AS((runtime{system, options}), std::invalid_argument);
}

TEST_CASE("a runtime may own its actor system") {
  runtime uut;
  auto cache = uut.open<int>("numbers");
  REQUIRE(cache);
  CHECK(cache->set("k", 7) == true);
  small_config cfg;
  runtime other{cfg};
  CHECK(other.open_region("db0"));
  CHECK(&other.system() != &uut.system());
}

TEST_CASE("two runtimes may share an actor system") {
  small_config cfg;
  caf::actor_system system{cfg};
  runtime first{system};
  runtime second{system};
  auto x = first.open_region("db0");
  auto y = second.open_region("db0");
  REQUIRE((*x)->set("k", "x"));
  REQUIRE((*y)->set("k", "y"));
  CHECK(value_of(**x, "k") == "x");
  CHECK(value_of(**y, "k") == "y");
}

TEST_CASE("a runtime lives in a foreign actor system among its actors") {
  // Knows nothing of Troupe.
  caf::actor_system_config cfg;
  caf::actor_system system{cfg};
  runtime uut{system};
  auto numbers = uut.open<std::int64_t>("numbers");
  REQUIRE(numbers);
  auto asker = [](caf::event_based_actor* self, const region_actor& where,
                  int rounds) -> caf::behavior {
    self->send(self, rounds);
    return {[=](int left) {
      if (left == 0) {
        self->quit();
        return;
      }
      self->request(where, caf::infinite, increment_request{"n", 1})
        .then([=](std::int64_t) { self->send(self, left - 1); });
    }};
  };
  for (int i = 0; i < 4; ++i)
    system.spawn(asker, numbers->actor(), 250);
  // Waits for the foreign actors only: ours are hidden.
  system.await_all_actors_done();
  CHECK(*numbers->get("n") == 1000);
}

TEST_CASE("a runtime works under the testing scheduler") {
  runtime_fixture f{{}, "testing"};
  auto& scheduler
    = dynamic_cast<caf::scheduler::test_coordinator&>(f.system.scheduler());
  auto where = f.open();
  auto front = *f.uut->actor("db0");
  CHECK(f.ask<bool>(front, set_request{"k", "v", {}}) == true);
  CHECK(value_of(*where, "k") == "v");
  auto killed = f.self->request(f.uut->supervisor(), caf::infinite,
                                kill_request{"db0/shard-1"});
  scheduler.run();
  killed.receive([] {}, [](const caf::error&) { FAIL("not killed"); });
  CHECK(where->stats().restarts == 1);
  // The clockwork needs no scheduler.
  write_options how;
  how.ttl = 1s;
  REQUIRE(where->set("short", "v", how));
  f.time.advance(2s);
  eventually([&] { return where->size() == 1; });
}

TEST_CASE("opening a region from many threads makes one") {
  runtime_fixture f;
  std::vector<std::future<std::shared_ptr<region>>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::async(std::launch::async,
                             [&] { return *f.uut->open_region("db0"); }));
  auto first = f.open();
  for (auto& x : all)
    CHECK(x.get() == first);
}

TEST_CASE("a drain lets loads in flight finish") {
  runtime_fixture f;
  auto where = f.open();
  std::latch started{1};
  std::latch go_on{1};
  auto loaded
    = get_or_set_async(*where, "k", [&](load_context&) -> expected<bytes> {
        started.count_down();
        go_on.wait();
        return bytes{"v"};
      });
  started.wait();
  auto drained = std::async(std::launch::async, [&] { return f.uut->drain(); });
  eventually([&] { return f.uut->stat().draining; });
  // No new ones, however.
  CHECK(f.uut->open_region("other").error() == errc::shutting_down);
  go_on.count_down();
  CHECK(drained.get().stuck.empty());
  CHECK(*loaded.get() == "v");
  CHECK(where
          ->get_or_set("new",
                       [](load_context&) -> expected<bytes> { return bytes{}; })
          .error()
        == errc::shutting_down);
}

TEST_CASE("a drain ends at its deadline and names what is stuck") {
  runtime_fixture f;
  auto where = f.open("profiles");
  std::latch started{2};
  std::latch go_on{1};
  auto stuck = [&](load_context&) -> expected<bytes> {
    started.count_down();
    go_on.wait();
    return bytes{"too late"};
  };
  auto first = get_or_set_async(*where, "42", stuck);
  auto waiter = get_or_set_async(*where, "42", stuck);
  auto second = get_or_set_async(*where, "43", stuck);
  started.wait();
  auto begin = std::chrono::steady_clock::now();
  auto report = f.uut->drain(200ms);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK(report.took >= 200ms);
  REQUIRE(report.stuck.size() == 2);
  CHECK(report.stuck[0].find("profiles/42") != std::string::npos);
  CHECK(report.stuck[0].find("2 waiters") != std::string::npos);
  CHECK(report.stuck[1].find("profiles/43") != std::string::npos);
  CHECK(first.get().error() == errc::shutting_down);
  CHECK(waiter.get().error() == errc::shutting_down);
  CHECK(second.get().error() == errc::shutting_down);
  go_on.count_down();
}

TEST_CASE("of hundreds of regions none is stuck at the end") {
  runtime_fixture f;
  for (int i = 0; i < 300; ++i)
    REQUIRE(f.uut->open_region("region-" + std::to_string(i)));
  auto report = f.uut->drain(1ms);
  CHECK(report.stuck == std::vector<std::string>{});
}

TEST_CASE("of many stuck loads the first are named and the others counted") {
  runtime_options options;
  options.loader_threads = 120;
  runtime_fixture f{options};
  auto where = f.open("profiles");
  std::latch started{120};
  std::latch go_on{1};
  std::vector<std::future<expected<std::optional<bytes>>>> loads;
  for (int i = 0; i < 120; ++i)
    loads.push_back(get_or_set_async(*where, std::to_string(i),
                                     [&](load_context&) -> expected<bytes> {
                                       started.count_down();
                                       go_on.wait();
                                       return bytes{"too late"};
                                     }));
  started.wait();
  auto report = f.uut->drain(1ms);
  REQUIRE(report.stuck.size() == 101);
  CHECK(report.stuck[0].find("profiles/") != std::string::npos);
  CHECK(report.stuck[100] == "20 more loads");
  for (auto& x : loads)
    CHECK(x.get().error() == errc::shutting_down);
  go_on.count_down();
}

TEST_CASE("after the runtime's end a cache answers no read") {
  runtime_fixture f;
  auto texts = *f.uut->open<std::string>("texts");
  REQUIRE(texts.set("k", "v"));
  CHECK(texts.get("k").value() == "v");
  f.uut->drain();
  CHECK(texts.get("k").error() == errc::shutting_down);
  CHECK(texts.contains("k").error() == errc::shutting_down);
  CHECK(
    texts.get_or_set("k", [](load_context&) { return std::string{"loaded"}; })
      .error()
    == errc::shutting_down);
  CHECK(texts.erase("k").error() == errc::shutting_down);
}

TEST_CASE("a runtime that ends with stuck loaders does end") {
  auto go_on = std::make_shared<std::latch>(1);
  auto running = std::make_shared<std::latch>(1);
  std::future<expected<std::optional<bytes>>> loaded;
  {
    small_config cfg;
    caf::actor_system system{cfg};
    runtime_options options;
    options.drain_deadline = 100ms;
    runtime uut{system, options};
    auto where = uut.open_region("db0");
    loaded = get_or_set_async(
      **where, "42", [go_on, running](load_context&) -> expected<bytes> {
        running->count_down();
        go_on->wait();
        return bytes{"late"};
      });
    running->wait();
  }
  CHECK(loaded.get().error() == errc::shutting_down);
  // The loader's thread is on its own now.
  go_on->count_down();
}

TEST_CASE("callers that wait when the runtime ends are answered") {
  runtime_options options;
  options.op_timeout = 60s;
  runtime_fixture f{options};
  auto where = f.open();
  auto& shard = shard_at(*where, shard_of(*where, "k"));
  // As in the moment between a crash and the restart.
  REQUIRE(shard.run([&](memory::store&) -> expected<void> {
    shard.down();
    return {};
  }));
  std::vector<std::future<expected<bool>>> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(
      std::async(std::launch::async, [&] { return where->set("k", "v"); }));
  auto also = set_async(*where, "k", "v");
  CHECK(f.uut->drain().stuck.empty());
  for (auto& x : waiting)
    CHECK(x.get().error() == errc::shutting_down);
  CHECK(also.get().error() == errc::shutting_down);
}

TEST_CASE("a region tells how many entries expire, and when on average") {
  runtime_fixture f;
  auto where = f.open();
  REQUIRE(where->set("eternal", "v"));
  CHECK(where->stats().expiring == 0);
  CHECK(where->stats().mean_ttl == 0ms);
  write_options how;
  for (int i = 1; i <= 100; ++i) {
    how.ttl = std::chrono::seconds{i};
    REQUIRE(where->set(std::to_string(i), "v", how));
  }
  auto stats = where->stats();
  CHECK(stats.keys == 101);
  CHECK(stats.expiring == 100);
  CHECK(stats.mean_ttl > 50'300ms);
  CHECK(stats.mean_ttl < 50'700ms);
  for (int i = 51; i <= 100; ++i)
    REQUIRE(where->erase(std::to_string(i)));
  REQUIRE(where->touch("1", 1000s));
  REQUIRE(where->touch("2", no_expiry));
  // 3 to 50 and 1000 seconds.
  stats = where->stats();
  CHECK(stats.expiring == 49);
  CHECK(stats.mean_ttl > 46'200ms);
  CHECK(stats.mean_ttl < 46'600ms);
  REQUIRE(where->clear());
  CHECK(where->stats().expiring == 0);
}
