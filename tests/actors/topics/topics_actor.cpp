// The topics of a runtime: by call, and by messages of actors that subscribe.

#include <troupe/actors/topics/topics_actor.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/actors/gate/remote.hpp>
#include <troupe/actors/topics.hpp>

#include "actors/fixture.hpp"
#include "scratch_folder.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

using strings = std::vector<std::string>;

/// The messages that an actor received, in order.
struct diary {
  void add(std::string x) {
    std::lock_guard guard{mutex};
    lines.push_back(std::move(x));
  }

  strings read() const {
    std::lock_guard guard{mutex};
    return lines;
  }

  mutable std::mutex mutex;
  strings lines;
  std::atomic<bool> answers{true};
  std::atomic<bool> subscribed{false};
};

/// An actor that subscribes itself and writes its messages into the diary.
caf::behavior listening(caf::event_based_actor* self, const topics_actor& where,
                        const subscribe_request& what,
                        const std::shared_ptr<diary>& to) {
  self->request(where, caf::infinite, what).then([to](bool is_new) {
    to->subscribed = is_new;
  });
  return {
    [to, self](const topic_message& x) -> caf::result<void> {
      to->add((x.pattern ? "pattern " : "") + x.topic + "/" + x.channel + "/"
              + x.payload);
      // Without an answer, at most one batch comes.
      if (!to->answers)
        return self->make_response_promise();
      return caf::unit;
    },
    [to](const topics_ended& x) { to->add("end: " + x.code); },
  };
}

struct fixture : runtime_fixture {
  explicit fixture(const std::string& policy = "stealing", bool remote = false)
    : runtime_fixture({}, policy, remote) {
    // nop
  }

  caf::actor listen(const std::string& topic, bool pattern,
                    const std::shared_ptr<diary>& to) {
    auto result = system.spawn(listening, uut->topics().actor(),
                               subscribe_request{topic, pattern}, to);
    eventually([&] { return to->subscribed.load(); });
    return result;
  }

  std::size_t publish(std::string_view where, std::string_view text) {
    const auto heard = uut->topics().publish(where, text);
    REQUIRE(heard);
    return *heard;
  }

  std::uint64_t count(const std::string& topic, bool pattern = false) {
    const auto found = ask<std::uint64_t>(
      uut->topics().actor(), count_subscribers_request{topic, pattern});
    REQUIRE(found);
    return *found;
  }
};

} // namespace

TEST_CASE("a program publishes and subscribes by call") {
  fixture f;
  std::atomic<int> heard{0};
  std::atomic<int> matched{0};
  auto x = f.uut->topics().subscribe("project/7", [&](const delivery& y) {
    if (y.payload() == "saved")
      ++heard;
  });
  REQUIRE(x);
  auto y = f.uut->topics().subscribe_pattern(
    "project/*", [&](const delivery&) { ++matched; });
  REQUIRE(y);
  CHECK(f.uut->topics().subscribers("project/7") == 1);
  CHECK(f.uut->topics().pattern_subscribers("project/*") == 1);
  CHECK(f.publish("project/7", "saved") == 2);
  CHECK(f.publish("project/8", "saved") == 1);
  eventually([&] { return heard == 1 && matched == 2; });
  x->end();
  CHECK(f.publish("project/7", "saved") == 1);
  const auto row = f.row("topics");
  CHECK(row.kind == "topics");
  CHECK(row.keys == 1);
  CHECK(f.row("topics/pattern/project/*").subscribers == 1);
}

TEST_CASE("after the drain topics answer that the runtime has drained") {
  fixture f;
  std::atomic<int> heard{0};
  std::atomic<int> ended{0};
  auto x = f.uut->topics().subscribe(
    "a", [&](const delivery&) { ++heard; },
    {{}, [&](const error& why) { ended += why == errc::shutting_down; }});
  REQUIRE(x);
  const auto topics = f.uut->topics();
  CHECK(f.publish("a", "1") == 1);
  CHECK(f.uut->drain(30s).stuck.empty());
  CHECK(heard == 1);
  CHECK(ended == 1);
  CHECK_FALSE(x->active());
  CHECK(topics.publish("a", "2").error() == errc::shutting_down);
  CHECK(topics.subscribe("a", [](const delivery&) {}).error()
        == errc::shutting_down);
  CHECK(topics.subscribers("a") == 0);
  CHECK_FALSE(topics.actor());
  // The handle and the subscription outlive the runtime.
  f.uut.reset();
  CHECK(topics.publish("a", "3").error() == errc::shutting_down);
}

TEST_CASE("an actor publishes by message, and hears how many that reached") {
  fixture f;
  std::atomic<int> heard{0};
  auto x = f.uut->topics().subscribe("a", [&](const delivery&) { ++heard; });
  const auto actor = f.uut->topics().actor();
  CHECK(f.ask<std::uint64_t>(actor, publish_request{"a", "1"}) == 1U);
  CHECK(f.ask<std::uint64_t>(actor, publish_request{"b", "1"}) == 0U);
  caf::anon_send(actor, publish_request{"a", "2"});
  eventually([&] { return heard == 2; });
  CHECK(
    f.ask<std::uint64_t>(actor, publish_request{std::string(70'000, 'x'), ""})
      .error()
    == errc::invalid_argument);
  CHECK(f.row("topics").handled >= 4);
}

TEST_CASE("an actor that subscribed is sent what is published, in order") {
  fixture f;
  auto heard = std::make_shared<diary>();
  auto matched = std::make_shared<diary>();
  f.listen("a", false, heard);
  f.listen("*", true, matched);
  CHECK(f.count("a") == 1);
  CHECK(f.count("*", true) == 1);
  strings expected;
  for (int i = 0; i < 5000; ++i) {
    CHECK(f.publish("a", std::to_string(i)) == 2);
    expected.push_back("a/a/" + std::to_string(i));
  }
  f.publish("b", "x");
  eventually([&] { return heard->read().size() == 5000; });
  CHECK(heard->read() == expected);
  eventually([&] { return matched->read().size() == 5001; });
  CHECK(matched->read().back() == "pattern */b/x");
}

TEST_CASE("subscribing twice is once, and an actor can unsubscribe") {
  fixture f;
  const auto actor = f.uut->topics().actor();
  CHECK(f.ask<bool>(actor, subscribe_request{"a"}) == true);
  CHECK(f.ask<bool>(actor, subscribe_request{"a"}) == false);
  CHECK(f.ask<bool>(actor, subscribe_request{"a", true}) == true);
  CHECK(f.publish("a", "1") == 2);
  int heard = 0;
  f.self->receive_for(heard, 2)(
    [](const topic_message& x) { CHECK(x.payload == "1"); });
  CHECK(f.ask<bool>(actor, unsubscribe_request{"a"}) == true);
  CHECK(f.ask<bool>(actor, unsubscribe_request{"a"}) == false);
  CHECK(f.publish("a", "2") == 1);
  f.self->receive([](const topic_message& x) { CHECK(x.pattern); });
  CHECK(f.ask<bool>(actor, unsubscribe_request{"a", true}) == true);
  CHECK(f.publish("a", "3") == 0);
  CHECK(f.ask<bool>(actor, unsubscribe_request{"a", true}) == false);
}

TEST_CASE("a subscription by message needs a sender and a name of a topic") {
  fixture f;
  const auto actor = f.uut->topics().actor();
  CHECK(f.ask<bool>(actor, subscribe_request{std::string(70'000, 'x')}).error()
        == errc::invalid_argument);
  CHECK(
    f.ask<bool>(actor, subscribe_request{std::string(2'000, 'x'), true}).error()
    == errc::invalid_argument);
  caf::anon_send(actor, subscribe_request{"a"});
  CHECK(f.count("a") == 0);
}

TEST_CASE("the subscriptions of an actor that dies end") {
  fixture f;
  auto heard = std::make_shared<diary>();
  auto idle = f.listen("a", false, heard);
  caf::anon_send_exit(idle, caf::exit_reason::kill);
  eventually([&] { return f.count("a") == 0; });
  CHECK(f.publish("a", "1") == 0);
  // Also when the actor has not answered a batch.
  auto deaf = std::make_shared<diary>();
  deaf->answers = false;
  auto busy = f.listen("a", false, deaf);
  for (int i = 0; i < 10'000; ++i)
    f.publish("a", "x");
  eventually([&] { return !deaf->read().empty(); });
  caf::anon_send_exit(busy, caf::exit_reason::kill);
  eventually([&] { return f.count("a") == 0; });
}

TEST_CASE("an actor that does not answer is not sent more than a batch") {
  fixture f;
  auto deaf = std::make_shared<diary>();
  deaf->answers = false;
  f.listen("a", false, deaf);
  const std::string payload(1000, 'x');
  for (int i = 0; i < 1000; ++i)
    CHECK(f.publish("a", payload) == 1);
  eventually([&] { return !deaf->read().empty(); });
  // Another subscriber does not wait for the first one.
  auto heard = std::make_shared<diary>();
  f.listen("a", false, heard);
  f.publish("a", "last");
  eventually([&] { return heard->read().size() == 1; });
  CHECK(deaf->read().size() <= 64UL * 1024 / 1000 + 1);
}

TEST_CASE("an actor that falls behind by more than its queue is told") {
  fixture f;
  auto deaf = std::make_shared<diary>();
  deaf->answers = false;
  f.listen("a", false, deaf);
  const std::string payload(1 << 20U, 'x');
  eventually([&] { return f.publish("a", payload) == 0; });
  eventually([&] {
    const auto lines = deaf->read();
    return !lines.empty() && lines.back() == "end: overloaded";
  });
  CHECK(f.count("a") == 0);
}

TEST_CASE("an actor that takes no messages of topics is left alone") {
  fixture f;
  std::atomic<bool> done{false};
  f.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::drop);
    self
      ->request(f.uut->topics().actor(), caf::infinite, subscribe_request{"a"})
      .then([&](bool) { done = true; });
    return {[](caf::ok_atom) {}};
  });
  eventually([&] { return done.load(); });
  f.publish("a", "1");
  eventually([&] { return f.count("a") == 0; });
}

TEST_CASE("subscriptions survive a crash of the topics' actor") {
  fixture f;
  auto heard = std::make_shared<diary>();
  auto who = f.listen("a", false, heard);
  f.publish("a", "1");
  eventually([&] { return heard->read().size() == 1; });
  f.kill("topics");
  CHECK(f.count("a") == 1);
  CHECK(f.publish("a", "2") == 1);
  eventually([&] { return heard->read().size() == 2; });
  f.kill("topics");
  // The restarted topics' actor monitors the subscriber, too.
  caf::anon_send_exit(who, caf::exit_reason::kill);
  eventually([&] { return f.count("a") == 0; });
}

TEST_CASE("messages pass while the topics' actor crashes again and again") {
  fixture f;
  auto heard = std::make_shared<diary>();
  f.listen("a", false, heard);
  {
    busy_crew killer{1, [&](unsigned) {
                       return [&] {
                         caf::anon_send(f.uut->supervisor(),
                                        kill_request{"topics"});
                         std::this_thread::yield();
                       };
                     }};
    for (int i = 0; i < 300; ++i)
      CHECK(f.publish("a", "x") == 1);
    killer.await_rounds(20);
  }
  f.publish("a", "last");
  eventually([&] {
    const auto lines = heard->read();
    return !lines.empty() && lines.back() == "a/a/last";
  });
}

TEST_CASE("a drain sends actors what waits, and then the end") {
  fixture f;
  auto heard = std::make_shared<diary>();
  auto deaf = std::make_shared<diary>();
  deaf->answers = false;
  f.listen("a", false, heard);
  f.listen("a", false, deaf);
  for (int i = 0; i < 5000; ++i)
    f.publish("a", "x");
  CHECK(f.uut->drain(30s).stuck.empty());
  for (const auto& x : {heard, deaf}) {
    eventually([&] { return x->read().size() == 5001; });
    CHECK(x->read().back() == "end: shutting_down");
  }
}

TEST_CASE("topics work on CAF's scheduler for tests") {
  fixture f{"testing"};
  auto heard = std::make_shared<diary>();
  using caf::scheduler::test_coordinator;
  auto& tests = dynamic_cast<test_coordinator&>(f.system.scheduler());
  f.system.spawn(listening, f.uut->topics().actor(),
                 subscribe_request{"a", false}, heard);
  tests.run();
  CHECK(heard->subscribed);
  CHECK(f.publish("a", "1") == 1);
  CHECK(f.publish("a", "2") == 1);
  tests.run();
  CHECK(heard->read() == strings{"a/a/1", "a/a/2"});
  f.publish("a", "3");
  CHECK(f.uut->drain(10s).stuck.empty());
  tests.run();
  CHECK(heard->read()
        == strings{"a/a/1", "a/a/2", "a/a/3", "end: shutting_down"});
}

TEST_CASE("an actor of another process subscribes and publishes") {
  fixture f{"stealing", true};
  scratch_folder folder;
  auto path = f.uut->publish(console_socket{folder.path + "/a.sock"});
  REQUIRE(path);
  small_config client_cfg{"stealing", true};
  auto client = std::make_unique<caf::actor_system>(client_cfg);
  auto remote = troupe::connect(*client, console_socket{*path}, 20s);
  REQUIRE(remote);
  auto heard = std::make_shared<diary>();
  topics_actor topics;
  {
    caf::scoped_actor self{*client};
    self->request(*remote, caf::infinite, find_actor_request{"topics"})
      .receive(
        [&](const std::string& kind, const caf::strong_actor_ptr& who) {
          CHECK(kind == "topics");
          topics = caf::actor_cast<topics_actor>(who);
        },
        [](const caf::error&) { FAIL("no such actor"); });
    auto there
      = client->spawn(listening, topics, subscribe_request{"a", false}, heard);
    eventually([&] { return heard->subscribed.load(); });
    CHECK(ask<std::uint64_t>(self, topics, publish_request{"a", "1"}) == 1U);
    f.publish("a", "2");
    eventually([&] { return heard->read().size() == 2; });
    CHECK(heard->read() == strings{"a/a/1", "a/a/2"});
    caf::anon_send_exit(there, caf::exit_reason::user_shutdown);
    eventually([&] { return f.count("a") == 0; });
  }
}

TEST_CASE("actors subscribe, die and publish at the same time") {
  fixture f;
  std::atomic<int> wrong{0};
  busy_crew publishers{1, [&](unsigned) {
                         return [&] {
                           if (!f.uut->topics().publish("a", "x"))
                             ++wrong;
                         };
                       }};
  crew(2, [&](int) {
    for (int i = 0; i < 30; ++i) {
      auto heard = std::make_shared<diary>();
      auto who = f.system.spawn(listening, f.uut->topics().actor(),
                                subscribe_request{"a", i % 2 == 0}, heard);
      if (!comes_true([&] { return !heard->read().empty(); }))
        ++wrong;
      caf::anon_send_exit(who, caf::exit_reason::kill);
    }
  });
  publishers.stop();
  eventually([&] { return f.count("a") + f.count("a", true) == 0; });
  CHECK(wrong == 0);
}
