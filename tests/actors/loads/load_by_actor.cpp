#include <troupe/actors/loads/load_by_actor.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/actors/cache.hpp>

#include "actors/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

/// "k" → "value of k", tagged "red"; "none" has no value, "refused" is refused, and
/// "silent" is never answered. Counts the requests that it got.
loader_actor::behavior_type source(loader_actor::pointer self,
                                   std::atomic<int>* asked) {
  auto promises = std::make_shared<
    std::vector<caf::typed_response_promise<load_value_reply>>>();
  return {
    [=](const load_value_request& x) -> caf::result<load_value_reply> {
      ++*asked;
      if (x.key == "refused")
        return to_caf({errc::load_failed, "no such table"});
      if (x.key == "silent") {
        promises->push_back(self->make_response_promise<load_value_reply>());
        return promises->back();
      }
      load_value_reply result;
      result.found = x.key != "none";
      result.value = encode("value of " + x.key).value();
      result.tags = {"red"};
      result.unchanged = x.has_stale;
      return result;
    },
  };
}

struct fixture : runtime_fixture {
  explicit fixture(const region_options& options = {}) {
    auto opened_region = uut->open<std::string>("profiles", options);
    REQUIRE(opened_region);
    profiles = *opened_region;
    opened.push_back(profiles.bytes_region());
    source_actor = system.spawn(source, &asked);
  }

  ~fixture() {
    caf::anon_send_exit(source_actor, caf::exit_reason::kill);
  }

  std::atomic<int> asked{0};
  loader_actor source_actor;
  cache<std::string> profiles;
};

} // namespace

TEST_CASE("an actor brings the missing value", "[loads]") {
  fixture f;
  const auto load = load_by_actor(f.system, f.source_actor);
  const auto first = f.profiles.get_or_load("k", load);
  CHECK(first.value == "value of k");
  CHECK(first.origin == load_origin::loaded);
  CHECK(f.profiles.get_or_load("k", load).origin == load_origin::hit);
  CHECK(f.profiles.get_or_set_async("j", load).get() == "value of j");
  CHECK(f.profiles.get_or_set("none", load).absent());
  CHECK(f.asked == 3);
  // Its tags are the entry's.
  REQUIRE(f.profiles.invalidate_tag("red"));
  CHECK(f.profiles.get("k").absent());
}

TEST_CASE("an actor that refuses fails the load with its error", "[loads]") {
  fixture f;
  const auto load = load_by_actor(f.system, f.source_actor);
  const auto refused = f.profiles.get_or_set("refused", load);
  REQUIRE(refused.error() == errc::load_failed);
  CHECK(refused.error().text() == "no such table");
}

TEST_CASE("an actor that dies fails the load at once", "[loads]") {
  fixture f;
  const auto load = load_by_actor(f.system, f.source_actor);
  auto waiting = f.profiles.get_or_set_async("silent", load);
  eventually([&] { return f.asked == 1; });
  caf::anon_send_exit(f.source_actor, caf::exit_reason::kill);
  CHECK(waiting.get().failed());
  CHECK(f.profiles.get_or_set("k", load).failed());
}

TEST_CASE("an actor that never answers costs its caller the load's time",
          "[loads]") {
  fixture f;
  const auto load = load_by_actor(f.system, f.source_actor);
  auto waiting = f.profiles.get_or_set_async("silent", load);
  eventually([&] { return f.asked == 1; });
  f.time.advance(defaults::load_timeout);
  CHECK(waiting.get().error() == errc::load_timeout);
}

TEST_CASE("an actor may say that the stale value is still right", "[loads]") {
  fixture f{{.ttl = 1min, .fail_safe = 1h}};
  const auto load = load_by_actor(f.system, f.source_actor);
  REQUIRE(f.profiles.set("k", "from elsewhere"));
  f.time.advance(1min);
  const auto answer = f.profiles.get_or_load("k", load);
  CHECK(answer.value == "from elsewhere");
  CHECK(answer.origin == load_origin::loaded);
  CHECK(f.profiles.get("k") == "from elsewhere");
}

TEST_CASE("a typed loader may bring its value later", "[loads]") {
  fixture f;
  std::function<void(maybe<std::string>)> finish;
  std::atomic<bool> begun{false};
  auto waiting = f.profiles.get_or_set_async(
    "k", [&](const std::shared_ptr<load_context>& context,
             std::function<void(maybe<std::string>)> done) {
      CHECK(context->key() == "k");
      finish = std::move(done);
      begun = true;
    });
  eventually([&] { return begun.load(); });
  finish(std::string{"later"});
  CHECK(waiting.get() == "later");
  CHECK(f.profiles.get("k") == "later");
}
