#include <troupe/actors/topics/subscriber.hpp>

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

class listener final : public subscriber {
public:
  using subscriber::subscriber;

protected:
  bool wake() noexcept override {
    return true;
  }
};

struct fixture {
  manual_clock time;
  live_subscriber_limits limits{{1000, 100, 300, 10s}};
  listener uut{limits, time};
  std::shared_ptr<const topic_name> by
    = std::make_shared<topic_name>(topic_name{topic_kind::channel, ""});

  /// A message that counts for so many bytes.
  bool deliver(std::size_t size) {
    auto what = std::make_shared<publication>();
    what->payload = std::string(size, 'x');
    return uut.deliver({what, by});
  }

  void take_all() {
    std::vector<delivery> taken;
    while (uut.take(10'000, taken))
      ;
  }
};

} // namespace

TEST_CASE("more than the hard limit cuts a subscriber at once") {
  fixture f;
  CHECK(f.deliver(1000));
  CHECK_FALSE(f.deliver(1));
  CHECK(f.uut.state() == subscriber_state::cut);
  CHECK(f.uut.why_cut() == cut_reason::hard);
  CHECK_FALSE(f.deliver(0));
}

TEST_CASE("more than the soft limit for too long cuts a subscriber") {
  fixture f;
  CHECK(f.deliver(400));
  f.time.advance(10s);
  CHECK(f.deliver(1));
  f.time.advance(1ms);
  CHECK_FALSE(f.deliver(1));
  CHECK(f.uut.state() == subscriber_state::cut);
  CHECK(f.uut.why_cut() == cut_reason::soft);
}

TEST_CASE("who gets below the soft limit in time has its time again") {
  fixture f;
  for (int i = 0; i < 5; ++i) {
    CHECK(f.deliver(400));
    f.time.advance(9s);
    CHECK(f.deliver(1));
    f.take_all();
    f.time.advance(9s);
  }
  CHECK(f.uut.state() == subscriber_state::open);
  CHECK(f.uut.why_cut() == cut_reason::none);
}

TEST_CASE("without a soft limit only the hard one counts") {
  fixture f;
  f.limits.set({1000, 100, 0, 10s});
  CHECK(f.deliver(900));
  f.time.advance(1h);
  CHECK(f.deliver(100));
  CHECK_FALSE(f.deliver(1));
  CHECK(f.uut.why_cut() == cut_reason::hard);
}

TEST_CASE("limits that change count for those who are there already") {
  fixture f;
  CHECK(f.deliver(250));
  f.limits.set({200, 100, 0, 10s});
  CHECK_FALSE(f.deliver(1));
  CHECK(f.uut.why_cut() == cut_reason::hard);
}
