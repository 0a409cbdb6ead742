// Topics, their directory and the queues of their subscribers.

#include <troupe/actors/topics/subscriptions.hpp>
#include <troupe/actors/topics/topic_directory.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

constexpr auto channel = topic_kind::channel;
constexpr auto pattern = topic_kind::pattern;
constexpr auto sharded = topic_kind::sharded;

bool starts_with(bytes_view prefix, bytes_view name) noexcept {
  return name.starts_with(prefix);
}

/// Counts how often it was woken.
class listener final : public subscriber {
public:
  explicit listener(subscriber_limits limits = {}) : subscriber(limits) {
    // nop
  }

  /// All that has come, as "topic/channel/payload".
  std::vector<std::string> heard() {
    std::vector<delivery> taken;
    while (take(1'000'000, taken))
      ;
    std::vector<std::string> result;
    for (const auto& x : taken)
      result.push_back(x.by->text + "/" + x.what->channel + "/"
                       + x.what->payload);
    return result;
  }

  std::atomic<int> woken{0};
  std::atomic<bool> deaf{false};

protected:
  bool wake() noexcept override {
    ++woken;
    return !deaf;
  }
};

using strings = std::vector<std::string>;

struct topics_fixture {
  topic_directory uut{&starts_with};
  std::shared_ptr<listener> who = std::make_shared<listener>();
  subscriptions mine{uut, who};
};

std::size_t all_topics(const topic_directory& x) {
  return x.size(channel) + x.size(pattern) + x.size(sharded);
}

} // namespace

TEST_CASE("a message reaches the subscribers of its channel", "[topics]") {
  topics_fixture f;
  CHECK(f.uut.publish("a", "lost") == 0);
  CHECK(f.mine.add(channel, "a"));
  CHECK(!f.mine.add(channel, "a"));
  CHECK(f.uut.publish("a", "1") == 1);
  CHECK(f.uut.publish("b", "2") == 0);
  CHECK(f.uut.publish_sharded("a", "3") == 0);
  CHECK(f.who->heard() == strings{"a/a/1"});
  CHECK(f.mine.remove(channel, "a"));
  CHECK(!f.mine.remove(channel, "a"));
  CHECK(f.uut.publish("a", "4") == 0);
  CHECK(f.who->heard().empty());
}

TEST_CASE("patterns hear after the channel", "[topics]") {
  topics_fixture f;
  f.mine.add(pattern, "a");
  f.mine.add(channel, "ab");
  f.mine.add(sharded, "ab");
  CHECK(f.uut.publish("ab", "1") == 2);
  CHECK(f.uut.publish("ac", "2") == 1);
  CHECK(f.uut.publish("b", "3") == 0);
  CHECK(f.uut.publish_sharded("ab", "4") == 1);
  CHECK(f.who->heard() == strings{"ab/ab/1", "a/ab/1", "a/ac/2", "ab/ab/4"});
  f.mine.remove(pattern, "a");
  CHECK(f.uut.publish("ab", "5") == 1);
}

TEST_CASE("topics end with their last subscriber", "[topics]") {
  topics_fixture f;
  const auto other = std::make_shared<listener>();
  {
    subscriptions others{f.uut, other};
    f.mine.add(channel, "a");
    others.add(channel, "a");
    others.add(pattern, "b");
    others.add(sharded, "c");
    CHECK(f.uut.size(channel) == 1);
    CHECK(f.uut.size(pattern) == 1);
    CHECK(f.uut.subscribers(channel, "a") == 2);
    CHECK(f.uut.list(sharded).size() == 1);
  }
  CHECK(all_topics(f.uut) == 1);
  CHECK(f.uut.subscribers(channel, "a") == 1);
  CHECK(other.use_count() == 1);
  CHECK(f.uut.publish("a", "1") == 1);
  CHECK(other->heard().empty());
  f.mine.clear();
  CHECK(f.mine.empty());
  CHECK(all_topics(f.uut) == 0);
}

TEST_CASE("an ended topic takes nobody in", "[topics]") {
  topic uut{channel, "a"};
  const auto who = std::make_shared<listener>();
  CHECK(uut.add(who) == topic::join_result::joined);
  CHECK(uut.add(who) == topic::join_result::present);
  CHECK(uut.remove(*who));
  CHECK(uut.add(who) == topic::join_result::ended);
  CHECK(uut.publish(std::make_shared<publication>()) == 0);
}

TEST_CASE("all subscribers share the bytes of a message", "[topics]") {
  topics_fixture f;
  const auto other = std::make_shared<listener>();
  subscriptions others{f.uut, other};
  f.mine.add(channel, "a");
  others.add(pattern, "a");
  CHECK(f.uut.publish("a", std::string(1000, 'x')) == 2);
  std::vector<delivery> taken;
  f.who->take(1, taken);
  other->take(1, taken);
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].what == taken[1].what);
}

TEST_CASE("a subscriber is woken once for a burst", "[topics]") {
  topics_fixture f;
  f.mine.add(channel, "a");
  f.uut.publish("a", "1");
  f.uut.publish("a", "2");
  CHECK(f.who->woken == 1);
  std::vector<delivery> taken;
  CHECK(f.who->take(1, taken));
  f.uut.publish("a", "3");
  CHECK(f.who->woken == 1); // It knows that something is left.
  CHECK(!f.who->take(1000, taken));
  CHECK(taken.size() == 3);
  f.uut.publish("a", "4");
  CHECK(f.who->woken == 2);
}

TEST_CASE("a subscriber that could not be woken is woken again", "[topics]") {
  topics_fixture f;
  f.mine.add(channel, "a");
  f.who->deaf = true;
  f.uut.publish("a", "1");
  f.uut.publish("a", "2");
  CHECK(f.who->woken == 2);
  f.who->deaf = false;
  f.uut.publish("a", "3");
  f.uut.publish("a", "4");
  CHECK(f.who->woken == 3);
  CHECK(f.who->heard().size() == 4);
}

TEST_CASE("a subscriber that falls behind is cut, and only it", "[topics]") {
  topic_directory uut{&starts_with};
  const auto [bytes, messages]
    = GENERATE(table<std::size_t, std::size_t>({{10, 1000}, {1000, 5}}));
  const auto slow
    = std::make_shared<listener>(subscriber_limits{bytes, messages});
  const auto quick = std::make_shared<listener>();
  subscriptions a{uut, slow};
  subscriptions b{uut, quick};
  a.add(channel, "");
  b.add(channel, "");
  for (int i = 0; i < 5; ++i)
    CHECK(uut.publish("", "12") == 2);
  CHECK(slow->state() == subscriber_state::open);
  CHECK(uut.publish("", "1") == 1);
  CHECK(slow->state() == subscriber_state::cut);
  CHECK(slow->woken == 2); // Once for the first message, once for the end.
  CHECK(uut.publish("", "1") == 1);
  CHECK(slow->woken == 2);
  CHECK(slow->heard().empty());
  CHECK(quick->heard().size() == 7);
  slow->close();
  CHECK(slow->state() == subscriber_state::closed);
}

TEST_CASE("room in the queue comes back with what was taken", "[topics]") {
  topic_directory uut{&starts_with};
  const auto who = std::make_shared<listener>(subscriber_limits{100, 2});
  subscriptions mine{uut, who};
  mine.add(channel, "a");
  for (int i = 0; i < 100; ++i) {
    CHECK(uut.publish("a", std::string(40, 'x')) == 1);
    CHECK(uut.publish("a", std::string(40, 'y')) == 1);
    CHECK(who->heard().size() == 2);
  }
  CHECK(uut.publish("a", std::string(98, 'x')) == 1);
  CHECK(uut.publish("a", "") == 0);
}

TEST_CASE("a closed subscriber hears nothing", "[topics]") {
  topics_fixture f;
  f.mine.add(channel, "a");
  f.uut.publish("a", "1");
  f.who->close();
  CHECK(f.uut.publish("a", "2") == 0);
  CHECK(f.who->heard().empty());
}

TEST_CASE("who stays hears all of it in order, while others come and go",
          "[topics][stress]") {
  constexpr int publishers = 2;
  constexpr int messages = 3000;
  topic_directory uut{&starts_with};
  const auto stays = std::make_shared<listener>();
  subscriptions constant{uut, stays};
  constant.add(channel, "news");
  constant.add(pattern, "ne");
  std::latch begin{publishers + 2};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int p = 0; p < publishers; ++p)
    threads.emplace_back([&, p] {
      begin.arrive_and_wait();
      for (int i = 0; i < messages; ++i)
        uut.publish("news", std::to_string(p) + ":" + std::to_string(i));
    });
  for (int s = 0; s < 2; ++s)
    threads.emplace_back([&] {
      begin.arrive_and_wait();
      while (!done) {
        // It dies with messages in its queue, and others on their way.
        const auto who = std::make_shared<listener>();
        subscriptions brief{uut, who};
        brief.add(channel, "news");
        brief.add(pattern, "n");
        brief.remove(channel, "news");
        brief.add(sharded, "x");
      }
    });
  for (int p = 0; p < publishers; ++p)
    threads[static_cast<std::size_t>(p)].join();
  done = true;
  for (auto i = static_cast<std::size_t>(publishers); i < threads.size(); ++i)
    threads[i].join();
  std::map<std::string, int> next;
  for (const auto& text : stays->heard()) {
    const auto colon = text.rfind(':');
    int number = -1;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), number);
    if (next[text.substr(0, colon)]++ != number)
      FAIL_CHECK("out of order: " << text);
  }
  CHECK(next.size() == 2 * publishers);
  for (const auto& [from, count] : next)
    CHECK(count == messages);
  constant.clear();
  CHECK(all_topics(uut) == 0);
}

TEST_CASE("a subscription that meets the end of its topic is not lost",
          "[topics][stress]") {
  constexpr int rounds = 3000;
  topic_directory uut{&starts_with};
  std::atomic<int> missed{0};
  const auto come_and_go = [&](const std::string& payload) {
    const auto who = std::make_shared<listener>();
    subscriptions mine{uut, who};
    for (int i = 0; i < rounds; ++i) {
      mine.add(channel, "a");
      uut.publish("a", payload);
      const auto heard = who->heard();
      const auto own = "a/a/" + payload;
      if (std::find(heard.begin(), heard.end(), own) == heard.end())
        ++missed;
      mine.remove(channel, "a");
      who->heard();
    }
  };
  std::thread other{[&] { come_and_go("1"); }};
  come_and_go("2");
  other.join();
  CHECK(missed == 0);
  CHECK(all_topics(uut) == 0);
}

TEST_CASE("a subscriber cut in the middle of a storm costs nobody anything",
          "[topics][stress]") {
  topic_directory uut{&starts_with};
  const auto quick = std::make_shared<listener>();
  subscriptions constant{uut, quick};
  constant.add(channel, "a");
  constexpr int messages = 3000;
  std::thread publisher{[&] {
    for (int i = 0; i < messages; ++i)
      uut.publish("a", "some bytes");
  }};
  int cut = 0;
  for (int i = 0; i < 100; ++i) {
    const auto slow = std::make_shared<listener>(subscriber_limits{100, 10});
    subscriptions brief{uut, slow};
    brief.add(channel, "a");
    for (int k = 0; k < 20; ++k)
      uut.publish("a", "more bytes");
    cut += slow->state() == subscriber_state::cut ? 1 : 0;
  }
  publisher.join();
  CHECK(cut == 100);
  CHECK(quick->heard().size() == messages + 2000);
}
