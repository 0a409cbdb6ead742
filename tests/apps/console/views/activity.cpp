#include "apps/console/views/activity.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::console;

namespace {

sample taken(std::chrono::milliseconds at, std::uint64_t cpu_ms,
             std::uint64_t handled, std::uint64_t process = 1) {
  sample result;
  result.taken = std::chrono::steady_clock::time_point{at};
  result.process.process_id = process;
  result.process.uptime = at;
  result.process.cpu_milliseconds = cpu_ms;
  actor_info x;
  x.name = "db0";
  x.handled = handled;
  result.actors.actors = {x};
  return result;
}

std::uint64_t rate(const activity& x) {
  return x.actors().actors.at(0).handled;
}

} // namespace

TEST_CASE("activity is what happened between two moments, per second") {
  const activity uut{taken(10s, 1'000, 500), taken(12s, 1'500, 2'500)};
  CHECK(rate(uut) == 1'000);
  CHECK(uut.cpu_percent() == Approx(25));
  CHECK(uut.text(0).find("cpu 25.0 %") != std::string::npos);
  CHECK(uut.text(0).find("PER SECOND") != std::string::npos);
}

TEST_CASE("activity without an earlier moment is since the beginning") {
  const activity uut{std::nullopt, taken(10s, 1'000, 500)};
  CHECK(rate(uut) == 50);
  CHECK(uut.cpu_percent() == Approx(10));
}

TEST_CASE("activity of another process starts anew") {
  const activity uut{taken(10s, 9'000, 5'000, 1), taken(20s, 1'000, 500, 2)};
  CHECK(rate(uut) == 25);
  CHECK(uut.cpu_percent() == Approx(5));
}

TEST_CASE("an actor that counts from zero again has handled what it says") {
  const activity uut{taken(10s, 0, 5'000), taken(11s, 0, 300)};
  CHECK(rate(uut) == 300);
}
