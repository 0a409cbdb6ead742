#include <troupe/actors/regions/region_actor.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/actors/gate/remote.hpp>

#include "actors/fixture.hpp"
#include "scratch_folder.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct fixture : runtime_fixture {
  using runtime_fixture::runtime_fixture;

  std::shared_ptr<region> where = open();
  region_actor front = *uut->actor("db0");
};

load_request load(std::string key, bytes value) {
  return {std::move(key),
          [value](load_context&) -> expected<bytes> { return value; },
          {}};
}

} // namespace

TEST_CASE("a region answers every message about a key") {
  fixture f;
  CHECK_FALSE(f.ask<get_reply>(f.front, get_request{"k"})->found);
  CHECK(f.ask<bool>(f.front, set_request{"k", "v", {}}) == true);
  auto got = f.ask<get_reply>(f.front, get_request{"k"});
  REQUIRE(got);
  CHECK(got->found);
  CHECK(got->value == "v");
  CHECK(got->version != no_version);
  CHECK(f.ask<bool>(f.front, contains_request{"k"}) == true);
  auto ttl = f.ask<ttl_reply>(f.front, ttl_request{"k"});
  CHECK(ttl->found);
  CHECK(ttl->ttl == no_expiry);
  CHECK(f.ask<bool>(f.front, touch_request{"k", 5s}) == true);
  CHECK(f.ask<ttl_reply>(f.front, ttl_request{"k"})->ttl == 5s);
  CHECK(f.ask<std::int64_t>(f.front, increment_request{"n", 5}) == 5);
  CHECK(f.ask<std::int64_t>(f.front, increment_request{"n", -7}) == -2);
  CHECK(f.ask<bool>(f.front, erase_request{"k"}) == true);
  CHECK(f.ask<bool>(f.front, erase_request{"k"}) == false);
  CHECK(value_of(*f.where, "n") == "-2");
}

TEST_CASE("a region compares and sets by message") {
  fixture f;
  auto first = f.ask<compare_and_set_reply>(
    f.front, compare_and_set_request{"k", no_version, "1", {}});
  REQUIRE(first);
  CHECK(first->version != no_version);
  auto stale = f.ask<compare_and_set_reply>(
    f.front, compare_and_set_request{"k", no_version, "2", {}});
  CHECK(stale->version == no_version);
  auto second = f.ask<compare_and_set_reply>(
    f.front, compare_and_set_request{"k", first->version, "2", {}});
  CHECK(second->version > first->version);
  CHECK(value_of(*f.where, "k") == "2");
}

TEST_CASE("write terms of a message count") {
  fixture f;
  write_terms terms;
  terms.ttl = 1s;
  terms.condition = write_condition::if_absent;
  CHECK(f.ask<bool>(f.front, set_request{"k", "1", terms}) == true);
  CHECK(f.ask<bool>(f.front, set_request{"k", "2", terms}) == false);
  f.time.advance(1s);
  CHECK_FALSE(f.ask<get_reply>(f.front, get_request{"k"})->found);
  terms.condition = write_condition::if_present;
  CHECK(f.ask<bool>(f.front, set_request{"k", "3", terms}) == false);
}

TEST_CASE("a message says the idle time, and a get by message is a use") {
  fixture f;
  write_terms terms;
  terms.idle = 64s;
  auto left = [&] { return f.ask<ttl_reply>(f.front, ttl_request{"k"})->ttl; };
  CHECK(f.ask<bool>(f.front, set_request{"k", "1", terms}) == true);
  CHECK(left() == 64s);
  f.time.advance(30s);
  CHECK(f.ask<bool>(f.front, contains_request{"k"}) == true);
  CHECK(left() == 34s);
  CHECK(f.ask<get_reply>(f.front, get_request{"k"})->found);
  CHECK(left() == 65s);
  f.time.advance(30s);
  CHECK(
    f.ask<get_many_reply>(f.front, get_many_request{{"k"}})->entries[0].found);
  CHECK(left() == 65s);
  terms.idle = -1s;
  CHECK(f.ask<bool>(f.front, set_request{"k", "2", terms}).error()
        == errc::invalid_argument);
  CHECK(value_of(*f.where, "k") == "1");
}

TEST_CASE("a region reads many keys at once") {
  fixture f;
  for (int i = 0; i < 100; i += 2)
    REQUIRE(f.where->set(std::to_string(i), "v" + std::to_string(i)));
  get_many_request request;
  for (int i = 0; i < 100; ++i)
    request.keys.push_back(std::to_string(i));
  auto got = f.ask<get_many_reply>(f.front, request);
  REQUIRE(got);
  REQUIRE(got->entries.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(got->entries[i].found == (i % 2 == 0));
    if (i % 2 == 0)
      CHECK(got->entries[i].value == "v" + std::to_string(i));
  }
  CHECK(f.ask<get_many_reply>(f.front, get_many_request{})->entries.empty());
}

TEST_CASE("a region clears all its shards") {
  fixture f;
  for (int i = 0; i < 100; ++i)
    REQUIRE(f.where->set(std::to_string(i), "v"));
  CHECK(f.ask<void>(f.front, clear_request{}));
  CHECK(value_of(*f.where, "7") == "<none>");
  CHECK(f.where->size() == 0);
}

TEST_CASE("a region explains a key by message") {
  fixture f;
  CHECK(f.ask<bool>(f.front, set_request{"k", "v", {}}) == true);
  auto found = f.ask<explained_key>(f.front, explain_request{"k"});
  REQUIRE(found);
  CHECK(found->state == "present");
  CHECK(found->version != no_version);
  CHECK(found->value_bytes == 1);
  CHECK(found->ttl == no_expiry);
  CHECK(found->load == 0);
  CHECK(found->events.empty());
  CHECK(found->sentences.size() == 2);
  CHECK(f.ask<bool>(f.front, erase_request{"k"}) == true);
  found = f.ask<explained_key>(f.front, explain_request{"k"});
  REQUIRE(found);
  CHECK(found->state == "missing");
  REQUIRE(found->events.size() == 1);
  CHECK(found->events[0].kind == "erased");
  CHECK(found->events[0].cause == "erased");
  const std::string too_long(f.where->options().max_key_size + 1, 'k');
  CHECK(f.ask<explained_key>(f.front, explain_request{too_long}).error()
        == errc::key_too_large);
}

TEST_CASE("a region forgets by tag, by message") {
  fixture f;
  set_request tagged{"red", "v", {}};
  tagged.how.tags = {"colour", "warm"};
  CHECK(f.ask<bool>(f.front, tagged) == true);
  CHECK(f.ask<bool>(f.front, set_request{"plain", "v", {}}) == true);
  CHECK(f.ask<void>(f.front, invalidate_tag_request{"warm"}));
  CHECK(value_of(*f.where, "red") == "<none>");
  CHECK(value_of(*f.where, "plain") == "v");
  tagged.how.tags.clear();
  for (std::size_t i = 0; i <= tags::most; ++i)
    tagged.how.tags.push_back(std::to_string(i));
  CHECK(f.ask<bool>(f.front, tagged).error() == errc::invalid_argument);
}

TEST_CASE("a region lists, limits and clears its namespaces by message") {
  runtime_fixture f;
  region_options options;
  options.shards = 2;
  options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 2},
                        {"b:", 0, 50, eviction_policy::clock, 1}};
  auto where = *f.uut->open_region("spaces", options);
  auto front = *f.uut->actor("spaces");
  for (int i = 0; i < 200; ++i) {
    auto n = std::to_string(i);
    CHECK(f.ask<bool>(front, set_request{"a:" + n, "v", {}}) == true);
    CHECK(f.ask<bool>(front, set_request{"b:" + n, "v", {}}) == true);
    CHECK(f.ask<bool>(front, set_request{"c:" + n, "v", {}}) == true);
  }
  auto all = f.ask<namespace_list>(front, list_namespaces_request{});
  REQUIRE(all);
  REQUIRE(all->namespaces.size() == 2);
  auto& b = all->namespaces[1];
  CHECK(all->namespaces[0].prefix == "a:");
  CHECK(all->namespaces[0].keys == 200);
  CHECK(all->namespaces[0].max_bytes == 1 << 20);
  CHECK(all->namespaces[0].eviction == "s3fifo");
  CHECK(b.prefix == "b:");
  CHECK(b.keys == 50);
  CHECK(b.max_entries == 50);
  CHECK(b.evictions == 150);
  CHECK(b.shards == 1);
  CHECK(b.eviction == "clock");
  CHECK(
    f.ask<namespace_list>(front, list_namespaces_request{1})->namespaces.size()
    == 1);
  CHECK(f.ask<void>(front, set_namespace_limits_request{"b:", 0, 20}));
  CHECK(where->namespaces()[1].keys == 20);
  CHECK(f.ask<void>(front, set_namespace_limits_request{"b:", 0, 0}).error()
        == errc::invalid_argument);
  CHECK(f.ask<void>(front, clear_namespace_request{"a:"}));
  CHECK(where->namespaces()[0].keys == 0);
  CHECK(where->size() == 220);
  CHECK(f.ask<void>(front, clear_namespace_request{"x:"}).error()
        == errc::invalid_argument);
}

TEST_CASE("a region loads by message") {
  fixture f;
  auto loaded = f.ask<load_reply>(f.front, load("k", "loaded"));
  REQUIRE(loaded);
  CHECK(loaded->value == "loaded");
  CHECK(f.ask<load_reply>(f.front, load("k", "again"))->value == "loaded");
  auto failing = load("other", "");
  failing.loader = [](load_context&) -> expected<bytes> {
    throw std::runtime_error("no database");
  };
  CHECK(f.ask<load_reply>(f.front, failing).error() == errc::load_failed);
}

TEST_CASE("a region updates by message") {
  fixture f;
  update_request append{
    "k",
    [](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
      return bytes{old.value_or("")} + "x";
    },
    {}};
  CHECK(f.ask<update_reply>(f.front, append)->value == "x");
  CHECK(f.ask<update_reply>(f.front, append)->value == "xx");
  auto erase = append;
  erase.updater
    = [](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
    return std::nullopt;
  };
  CHECK_FALSE(f.ask<update_reply>(f.front, erase)->found);
  auto refuse = append;
  refuse.updater
    = [](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
    return fail(errc::update_failed, "not today");
  };
  CHECK(f.ask<update_reply>(f.front, refuse).error() == errc::update_failed);
}

TEST_CASE("a region refuses bad messages and changes nothing") {
  fixture f;
  auto& options = f.where->options();
  bytes long_key(options.max_key_size + 1, 'k');
  CHECK(f.ask<get_reply>(f.front, get_request{long_key}).error()
        == errc::key_too_large);
  CHECK(f.ask<bool>(f.front, contains_request{long_key}).error()
        == errc::key_too_large);
  CHECK(f.ask<ttl_reply>(f.front, ttl_request{long_key}).error()
        == errc::key_too_large);
  CHECK(f.ask<bool>(f.front, set_request{long_key, "v", {}}).error()
        == errc::key_too_large);
  CHECK(f.ask<bool>(f.front, erase_request{long_key}).error()
        == errc::key_too_large);
  CHECK(f.ask<bool>(f.front, touch_request{long_key, 1s}).error()
        == errc::key_too_large);
  CHECK(f.ask<std::int64_t>(f.front, increment_request{long_key, 1}).error()
        == errc::key_too_large);
  CHECK(
    f.ask<get_many_reply>(f.front, get_many_request{{"k", long_key}}).error()
    == errc::key_too_large);
  CHECK(f.ask<load_reply>(f.front, load(long_key, "v")).error()
        == errc::key_too_large);

  CHECK(f.ask<bool>(f.front, touch_request{"k", -1s}).error()
        == errc::invalid_argument);
  write_terms terms;
  terms.ttl = -1s;
  CHECK(f.ask<bool>(f.front, set_request{"k", "v", terms}).error()
        == errc::invalid_argument);
  CHECK(f.ask<compare_and_set_reply>(
           f.front, compare_and_set_request{"k", 0, "v", terms})
          .error()
        == errc::invalid_argument);
  terms.ttl = 1s;
  terms.condition = static_cast<write_condition>(77);
  CHECK(f.ask<bool>(f.front, set_request{"k", "v", terms}).error()
        == errc::invalid_argument);
  auto how = load("k", "v");
  how.how = terms;
  CHECK(f.ask<load_reply>(f.front, how).error() == errc::invalid_argument);
  CHECK(f.ask<load_reply>(f.front, load_request{"k", {}, {}}).error()
        == errc::invalid_argument);
  CHECK(f.ask<update_reply>(f.front, update_request{"k", {}, {}}).error()
        == errc::invalid_argument);

  REQUIRE(f.where->set("text", "seven"));
  CHECK(f.ask<std::int64_t>(f.front, increment_request{"text", 1}).error()
        == errc::not_an_integer);
  CHECK(f.where->size() == 1);
}

TEST_CASE("a region refuses values over its limit by message") {
  runtime_fixture f;
  region_options options;
  options.max_value_size = 8;
  auto where = f.uut->open_region("small", options);
  REQUIRE(where);
  auto front = *f.uut->actor("small");
  CHECK(f.ask<bool>(front, set_request{"k", "123456789", {}}).error()
        == errc::value_too_large);
  CHECK(f.ask<load_reply>(front, load("k", "123456789")).error()
        == errc::value_too_large);
  CHECK((*where)->size() == 0);
}

TEST_CASE("messages of one sender to a region keep their order") {
  fixture f;
  for (int i = 1; i <= 1000; ++i) {
    f.self->send(f.front, set_request{"k", std::to_string(i), {}});
    auto got = f.ask<get_reply>(f.front, get_request{"k"});
    REQUIRE(got->value == std::to_string(i));
    // The answer to the plain send.
    f.self->receive([](bool) {});
  }
  for (int i = 1; i <= 1000; ++i)
    caf::anon_send(f.front, set_request{"k", std::to_string(i), {}});
  CHECK(f.ask<get_reply>(f.front, get_request{"k"})->value == "1000");
}

TEST_CASE("actors use a region concurrently and lose no increment") {
  fixture f;
  constexpr int askers = 4;
  constexpr int rounds = 2000;
  {
    verdict check;
    std::vector<std::jthread> threads;
    for (int i = 0; i < askers; ++i)
      threads.emplace_back([&] {
        caf::scoped_actor self{f.system, true};
        for (int n = 0; n < rounds; ++n)
          check(ask<std::int64_t>(self, f.front, increment_request{"n", 1})
                  .has_value());
      });
  }
  CHECK(value_of(*f.where, "n") == std::to_string(askers * rounds));
}

TEST_CASE("the front of a region is restarted and found again") {
  fixture f;
  REQUIRE(f.where->set("k", "v"));
  f.kill("db0");
  CHECK(f.ask<get_reply>(f.front, get_request{"k"}).error()
        == errc::shard_down);
  CHECK(f.row("db0").state == "running");
  CHECK(f.row("db0").restarts == 1);
  auto next = f.uut->actor("db0");
  REQUIRE(next);
  CHECK(f.ask<get_reply>(*next, get_request{"k"})->value == "v");
}

TEST_CASE("a front that dies answers the loads it had taken") {
  fixture f;
  std::promise<void> go_on;
  auto blocked = load("k", "v");
  blocked.loader
    = [wait = go_on.get_future().share()](load_context&) -> expected<bytes> {
    wait.wait();
    return bytes{"late"};
  };
  auto pending = f.self->request(f.front, caf::infinite, blocked);
  f.self->monitor(f.front);
  f.self->send_exit(f.front, caf::exit_reason::kill);
  go_on.set_value();
  pending.receive([](const load_reply& x) { CHECK(x.value == "late"); },
                  [&](const caf::error& e) { FAIL(f.system.render(e)); });
}

TEST_CASE("a region that drained answers messages with an error") {
  fixture f;
  REQUIRE(f.where->set("k", "v"));
  auto report = f.uut->drain();
  CHECK(report.stuck.empty());
  CHECK(f.ask<get_reply>(f.front, get_request{"k"}).error()
        == errc::shutting_down);
  CHECK(f.uut->actor("db0").error() == errc::shutting_down);
  CHECK(f.where->set("k", "v").error() == errc::shutting_down);
}

TEST_CASE("a region answers over the network, but functions do not travel") {
  fixture f{{}, "stealing", true};
  scratch_folder folder;
  auto path = f.uut->publish(console_socket{folder.path + "/a.sock"});
  REQUIRE(path);
  small_config client_cfg{"stealing", true};
  caf::actor_system client{client_cfg};
  auto supervisor
    = troupe::connect(client, console_socket{*path}, std::chrono::seconds{20});
  REQUIRE(supervisor);
  caf::scoped_actor self{client};
  auto front = ask<region_actor>(self, *supervisor, find_region_request{"db0"});
  REQUIRE(front);
  const bytes binary{"\0\xff\r\n", 4};
  CHECK(ask<bool>(self, *front, set_request{binary, binary, {}}) == true);
  CHECK(ask<get_reply>(self, *front, get_request{binary})->value == binary);
  auto many
    = ask<get_many_reply>(self, *front, get_many_request{{"x", binary}});
  REQUIRE(many);
  CHECK(many->entries[1].value == binary);
  CHECK(ask<std::int64_t>(self, *front, increment_request{"n", 3}) == 3);
  CHECK(ask<bool>(self, *front, set_request{"k", "v", {-1s, 0s, -1, {}, false}})
          .error()
        == errc::invalid_argument);
  auto refused
    = ask<load_reply>(self, *front, load("k", "v"), caf::duration{10s});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == errc::invalid_argument);
  CHECK(refused.error().text().find("another process") != std::string::npos);
  CHECK(value_of(*f.where, binary) == binary);
}
