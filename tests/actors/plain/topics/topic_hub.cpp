// Publishing and subscribing by call: listeners, their queues, and how they end.

#include <troupe/actors/topics/topic_hub.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <troupe/actors/topics/subscriptions.hpp>

#include "catch.hpp"
#include "progress.hpp"
#include "test_gate.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

constexpr auto channel = topic_kind::channel;
constexpr auto pattern = topic_kind::pattern;

using strings = std::vector<std::string>;

/// The messages and errors with which a listener was called, in order.
class diary {
public:
  message_function on_message() {
    return [this](const delivery& x) {
      add(x.by->text + "/" + x.channel() + "/" + x.payload());
    };
  }

  subscribe_options options(subscriber_limits limits = {}) {
    return {limits, [this](const error& why) {
              add("end: " + std::string{to_string(why.code())});
            }};
  }

  void add(std::string x) {
    std::lock_guard guard{mutex_};
    lines_.push_back(std::move(x));
  }

  strings lines() const {
    std::lock_guard guard{mutex_};
    return lines_;
  }

private:
  mutable std::mutex mutex_;
  strings lines_;
};

struct fixture {
  explicit fixture(std::size_t threads = 8, std::size_t queue = 1000)
    : pool(std::make_shared<worker_pool>(threads, queue)),
      uut(std::make_shared<topic_hub>(pool)) {
    // nop
  }

  // At the end of every test, no listener and no topic is left.
  ~fixture() {
    CHECK(uut->drain(std::chrono::steady_clock::now() + 30s).empty());
    CHECK(uut->listeners() == 0);
    CHECK(uut->directory().size(channel) == 0);
    CHECK(uut->directory().size(pattern) == 0);
  }

  subscription listen(topic_kind kind, std::string_view name,
                      message_function f, subscribe_options options = {}) {
    auto result = uut->listen(kind, name, std::move(f), std::move(options));
    REQUIRE(result);
    return std::move(*result);
  }

  std::size_t publish(std::string_view where, std::string_view text) {
    const auto heard = uut->publish(where, text);
    REQUIRE(heard);
    return *heard;
  }

  std::vector<std::string> drain(std::chrono::milliseconds time) {
    return uut->drain(std::chrono::steady_clock::now() + time);
  }

  std::shared_ptr<worker_pool> pool;
  std::shared_ptr<topic_hub> uut;
};

/// Limits with which this many messages may wait.
subscriber_limits messages(std::size_t most) {
  subscriber_limits result;
  result.messages = most;
  return result;
}

} // namespace

TEST_CASE("a listener hears its channel, one for a pattern what matches it") {
  fixture f;
  diary first;
  diary second;
  auto one = f.listen(channel, "news/a", first.on_message());
  auto many = f.listen(pattern, "news/*", second.on_message());
  CHECK(one.active());
  CHECK(f.uut->listeners() == 2);
  CHECK(f.publish("news/a", "1") == 2);
  CHECK(f.publish("news/b", "2") == 1);
  CHECK(f.publish("other", "3") == 0);
  eventually([&] { return second.lines().size() == 2; });
  CHECK(second.lines() == strings{"news/*/news/a/1", "news/*/news/b/2"});
  eventually([&] { return first.lines().size() == 1; });
  CHECK(first.lines() == strings{"news/a/news/a/1"});
}

TEST_CASE("a subscription ends with its handle, and its function with it") {
  fixture f;
  diary heard;
  auto captured = std::make_shared<int>(0);
  auto x = f.listen(
    channel, "a",
    [captured, call = heard.on_message()](const delivery& y) { call(y); });
  CHECK(captured.use_count() == 2);
  auto moved = std::move(x);
  CHECK(f.publish("a", "1") == 1);
  eventually([&] { return heard.lines().size() == 1; });
  moved.end();
  CHECK_FALSE(moved.active());
  CHECK(captured.use_count() == 1);
  CHECK(f.publish("a", "2") == 0);
  CHECK(f.uut->directory().subscribers(channel, "a") == 0);
  moved.end();
  {
    auto scoped = f.listen(channel, "a", heard.on_message());
    CHECK(f.uut->directory().subscribers(channel, "a") == 1);
    // Another subscription replaces it.
    scoped = f.listen(channel, "b", heard.on_message());
    CHECK(f.uut->directory().subscribers(channel, "a") == 0);
  }
  CHECK(f.uut->directory().subscribers(channel, "b") == 0);
  CHECK(heard.lines().size() == 1);
}

TEST_CASE("the end of a subscription waits for a call that is under way") {
  fixture f;
  std::latch calling{1};
  std::atomic<bool> go_on{false};
  std::atomic<bool> returned{false};
  auto x = f.listen(channel, "a", [&](const delivery&) {
    calling.count_down();
    while (!go_on)
      std::this_thread::yield();
    returned = true;
  });
  f.publish("a", "1");
  calling.wait();
  std::jthread other{[&] { go_on = true; }};
  x.end();
  CHECK(returned);
}

TEST_CASE("a function may end its own subscription, publish and subscribe") {
  fixture f;
  diary heard;
  subscription self;
  subscription more;
  std::latch ready{1};
  std::atomic<bool> ended{false};
  self = f.listen(channel, "a", [&](const delivery&) {
    ready.wait();
    more = *f.uut->listen(channel, "b", heard.on_message(), {});
    self.end();
    std::ignore = f.uut->publish("b", "from a");
    ended = true;
  });
  f.publish("a", "1");
  f.publish("a", "2");
  ready.count_down();
  eventually([&] { return ended.load(); });
  eventually([&] { return heard.lines().size() == 1; });
  CHECK(heard.lines() == strings{"b/b/from a"});
  CHECK(f.publish("a", "3") == 0);
}

TEST_CASE("what a function throws concerns no publisher") {
  fixture f;
  std::atomic<int> calls{0};
  auto x = f.listen(channel, "a", [&](const delivery&) {
    ++calls;
    throw std::runtime_error("of the program");
  });
  CHECK(f.publish("a", "1") == 1);
  CHECK(f.publish("a", "2") == 1);
  eventually([&] { return calls == 2; });
  CHECK(x.active());
}

TEST_CASE("a listener that falls behind is told, and hears nothing more") {
  fixture f;
  diary heard;
  test_gate held;
  auto x = f.listen(
    channel, "a",
    [&, call = heard.on_message()](const delivery& y) {
      if (y.payload() == "0")
        held.pass();
      call(y);
    },
    heard.options(messages(3)));
  f.publish("a", "0");
  held.await_arrival();
  for (int i = 1; i <= 3; ++i)
    CHECK(f.publish("a", std::to_string(i)) == 1);
  CHECK(f.publish("a", "4") == 0);
  held.open();
  eventually([&] { return !x.active(); });
  eventually([&] { return heard.lines().size() == 2; });
  CHECK(heard.lines() == strings{"a/a/0", "end: overloaded"});
  CHECK(f.uut->directory().subscribers(channel, "a") == 0);
  CHECK(f.uut->listeners() == 0);
}

TEST_CASE("a drain delivers what waits, and then says the end") {
  fixture f;
  diary heard;
  auto x = f.listen(channel, "a", heard.on_message(), heard.options());
  for (int i = 0; i < 1000; ++i)
    f.publish("a", std::to_string(i));
  CHECK(f.drain(30s).empty());
  const auto lines = heard.lines();
  REQUIRE(lines.size() == 1001);
  CHECK(lines[999] == "a/a/999");
  CHECK(lines[1000] == "end: shutting_down");
  CHECK_FALSE(x.active());
  CHECK(f.uut->publish("a", "late").error() == errc::shutting_down);
  CHECK(f.uut->publish_sharded("a", "late").error() == errc::shutting_down);
  CHECK(f.uut->listen(channel, "a", heard.on_message(), {}).error()
        == errc::shutting_down);
}

TEST_CASE("a drain names a listener that is stuck, and leaves it") {
  fixture f;
  diary heard;
  test_gate held;
  auto x = f.listen(
    channel, "a", [&](const delivery&) { held.pass(); }, heard.options());
  f.publish("a", "1");
  f.publish("a", "2");
  held.await_arrival();
  CHECK(f.drain(50ms) == strings{"the listener of channel a"});
  CHECK(f.uut->directory().size(channel) == 0);
  held.open();
  x.end();
  CHECK(heard.lines().empty());
}

TEST_CASE("a listener that found no worker thread is called after a tick") {
  fixture f{1, 1};
  diary heard;
  std::latch busy{1};
  std::latch go_on{1};
  auto x = f.listen(channel, "a", heard.on_message());
  REQUIRE(f.pool->post([&] {
    busy.count_down();
    go_on.wait();
  }));
  busy.wait();
  // The queue is full now.
  REQUIRE(f.pool->post([] {}));
  CHECK(f.publish("a", "1") == 1);
  CHECK(heard.lines().empty());
  go_on.count_down();
  eventually([&] {
    f.uut->tick();
    return heard.lines().size() == 1;
  });
}

TEST_CASE("bad names and functions are refused, and nothing is subscribed") {
  fixture f;
  diary heard;
  const auto refused = [&](topic_kind kind, std::size_t size) {
    return f.uut->listen(kind, std::string(size, 'x'), heard.on_message(), {})
      .error();
  };
  CHECK(refused(channel, longest_channel + 1) == errc::invalid_argument);
  CHECK(refused(pattern, 1025) == errc::invalid_argument);
  CHECK(f.uut->listen(channel, "a", {}, {}).error() == errc::invalid_argument);
  CHECK(f.uut->publish(std::string(longest_channel + 1, 'x'), "").error()
        == errc::invalid_argument);
  CHECK(f.uut->listeners() == 0);
  CHECK(f.uut->listen(channel, "", heard.on_message(), {}));
  CHECK(f.uut->listen(pattern, std::string(1024, 'x'), heard.on_message(), {}));
}

TEST_CASE("owners of queues and listeners hear the same messages") {
  class queue final : public subscriber {
  public:
    queue() : subscriber(subscriber_limits{}) {
      // nop
    }

  protected:
    bool wake() noexcept override {
      return true;
    }
  };
  fixture f;
  diary heard;
  auto x = f.listen(channel, "a", heard.on_message());
  auto who = std::make_shared<queue>();
  subscriptions mine{f.uut->directory(), who};
  mine.add(channel, "a");
  CHECK(f.publish("a", "1") == 2);
  std::vector<delivery> taken;
  who->take(1, taken);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].payload() == "1");
}

TEST_CASE("listeners come and go while others publish") {
  constexpr int rounds = 200;
  fixture f;
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> heard{0};
  {
    busy_crew publishers{2, [&](unsigned) {
                           return
                             [&] { std::ignore = f.uut->publish("a", "x"); };
                         }};
    crew(2, [&](int) {
      for (int i = 0; i < rounds; ++i) {
        auto alive = std::make_shared<std::atomic<bool>>(true);
        std::atomic<int> calls{0};
        std::atomic<bool> called{false};
        auto x = f.uut->listen(i % 2 == 0 ? channel : pattern,
                               i % 2 == 0 ? "a" : "*",
                               [&, alive](const delivery&) {
                                 // One call at a time, and no call later.
                                 if (++calls != 1 || !*alive)
                                   ++wrong;
                                 called = true;
                                 --calls;
                               },
                               {});
        if (!x || (i % 4 == 0 && !comes_true([&] { return called.load(); })))
          ++wrong;
        x->end();
        *alive = false;
      }
    });
  }
  CHECK(wrong == 0);
}

TEST_CASE("a drain meets listeners that come and go") {
  for (int round = 0; round < 20; ++round) {
    fixture f;
    std::atomic<int> wrong{0};
    std::latch start{3};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (;;) {
          std::atomic<int> ends{0};
          auto x = f.uut->listen(channel, "a", [](const delivery&) {},
                                 {{}, [&](const error&) { ++ends; }});
          if (!x) {
            if (x.error() != errc::shutting_down)
              ++wrong;
            return;
          }
          std::ignore = f.uut->publish("a", "x");
          x->end();
          if (ends > 1)
            ++wrong;
        }
      });
    start.arrive_and_wait();
    CHECK(f.drain(30s).empty());
    threads.clear();
    CHECK(wrong == 0);
  }
}
