#include <troupe/actors/topics/topic_rows.hpp>

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;

namespace {

class quiet_subscriber final : public subscriber {
public:
  quiet_subscriber() : subscriber(subscriber_limits{}) {
    // nop
  }

protected:
  bool wake() noexcept override {
    return true;
  }
};

bool same(bytes_view pattern, bytes_view channel) noexcept {
  return pattern == channel;
}

struct fixture {
  topic_directory topics{same};
  std::shared_ptr<subscriber> first = std::make_shared<quiet_subscriber>();
  std::shared_ptr<subscriber> second = std::make_shared<quiet_subscriber>();
  std::vector<std::shared_ptr<topic>> joined;

  void join(topic_kind kind, const std::string& name) {
    joined.push_back(topics.join(kind, name, first));
  }

  ~fixture() {
    for (auto& x : joined)
      topics.leave(*x, *first);
  }

  actor_list list(std::string_view prefix = "", std::size_t most = 100) {
    actor_list result;
    add_topic_rows(topics, "topics", prefix, most, result);
    return result;
  }
};

} // namespace

TEST_CASE("without topics there are no rows of topics") {
  fixture f;
  CHECK(f.list().actors.empty());
  CHECK(f.list().omitted == 0);
}

TEST_CASE("topics are rows with their subscribers and messages") {
  fixture f;
  f.join(topic_kind::channel, "news");
  f.join(topic_kind::pattern, "n*");
  f.join(topic_kind::sharded, "news");
  auto other = f.topics.join(topic_kind::channel, "news", f.second);
  CHECK(f.topics.publish("news", "x") == 2);
  auto rows = f.list().actors;
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "topics/channel/news");
  CHECK(rows[0].parent == "topics");
  CHECK(rows[0].kind == "topic");
  CHECK(rows[0].state == "running");
  CHECK(rows[0].subscribers == 2);
  CHECK(rows[0].handled == 1);
  CHECK(rows[1].name == "topics/pattern/n*");
  CHECK(rows[2].name == "topics/sharded/news");
  CHECK(rows[2].handled == 0);
  f.topics.leave(*other, *f.second);
}

TEST_CASE("of many topics the first are listed and the others counted") {
  fixture f;
  for (int i = 0; i < 150; ++i)
    f.join(topic_kind::channel, std::to_string(1000 + i));
  f.join(topic_kind::pattern, "p");
  auto found = f.list();
  REQUIRE(found.actors.size() == 100);
  CHECK(found.actors[0].name == "topics/channel/1000");
  CHECK(found.actors[99].name == "topics/channel/1099");
  CHECK(found.omitted == 51);
}

TEST_CASE("topics are chosen by the beginning of their names") {
  fixture f;
  f.join(topic_kind::channel, "abc");
  f.join(topic_kind::channel, "abd");
  f.join(topic_kind::pattern, "abc");
  CHECK(f.list("topics/channel/ab").actors.size() == 2);
  CHECK(f.list("topics/channel/abc").actors.size() == 1);
  CHECK(f.list("topics/p").actors.size() == 1);
  CHECK(f.list("topi").actors.size() == 3);
  CHECK(f.list("db0").actors.empty());
  CHECK(f.list("db0").omitted == 0);
}

TEST_CASE("long names of topics are cut") {
  fixture f;
  f.join(topic_kind::channel, std::string(10'000, 'x'));
  CHECK(f.list().actors[0].name.size() < 300);
}
