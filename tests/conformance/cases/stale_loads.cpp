// Loads of keys whose entry is stale, should be refreshed, or says that there is no
// value.

#include "conformance/stale.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// A region whose entries live for a minute, are usable for an hour after that, and
/// should be refreshed after half a minute to 45 seconds.
struct load_fixture : fixture {
  explicit load_fixture(const provider_kind& with, double refresh_ahead = 0.0)
    : fixture(with, options(refresh_ahead)) {
    // nop
  }

  static region_options options(double refresh_ahead) {
    region_options x;
    x.ttl = 1min;
    x.fail_safe = 1h;
    x.refresh_ahead = refresh_ahead;
    return x;
  }

  [[nodiscard]] bool holds(std::string_view key, load_id id) const {
    return uut->provider().holds_load(hashed_key{key, hash_key(key)}, id)
           == true;
  }
};

constexpr auto refresh = load_purpose::refresh;

} // namespace

PROVIDER_CASE("a load of a stale key gets the stale value", "[stale][loads]") {
  if (!kind.exact_tick)
    return;
  load_fixture f{kind};
  REQUIRE(f.uut->set("k", "old"));
  const auto version = version_of(*f.uut, "k");
  const auto deadline = f.now() + 1min;
  const auto hit = acquire(f, "k", 1);
  REQUIRE(std::holds_alternative<load_hit>(hit));
  CHECK(std::get<load_hit>(hit).value == "old");
  CHECK(std::get<load_hit>(hit).version == version);
  CHECK(std::get<load_hit>(hit).deadline == deadline);

  f.advance(1min);
  const auto granted = grant(f, "k", 2);
  REQUIRE(granted.stale);
  CHECK(granted.stale->value == "old");
  CHECK(granted.stale->version == version);
  CHECK(granted.stale->fresh_until == deadline);
  CHECK(granted.stale->usable_until == deadline + 1h);
  CHECK(granted.stale->refresh_from == deadline);
  auto joined = acquire(f, "k", 3);
  REQUIRE(std::holds_alternative<load_joined>(joined));
  CHECK(std::get<load_joined>(joined).id == 2);
  REQUIRE(std::get<load_joined>(joined).stale);
  CHECK(std::get<load_joined>(joined).stale->value == "old");

  SECTION("which its result replaces") {
    CHECK(commit(f, "k", 2, granted.born, {"new"}).stored);
    CHECK(f.get("k") == "new");
    CHECK(usable(f, "k")->deadline == f.now() + 1min);
    CHECK(usable(f, "k")->moments.usable_until == f.now() + 1min + 1h);
  }
  SECTION("which may end meanwhile") {
    f.advance(1h);
    joined = acquire(f, "k", 3);
    REQUIRE(std::holds_alternative<load_joined>(joined));
    CHECK_FALSE(std::get<load_joined>(joined).stale);
  }
  SECTION("which goes with an invalidation") {
    REQUIRE(f.uut->erase("k") == false);
    CHECK_FALSE(commit(f, "k", 2, granted.born, {"new"}).stored);
    CHECK_FALSE(grant(f, "k", 4).stale);
  }
  SECTION("which goes when there is no value any more") {
    CHECK_FALSE(commit(f, "k", 2, granted.born, {}).stored);
    CHECK(usable_value(f, "k") == "<none>");
  }
}

PROVIDER_CASE("after a failed load a stale value answers for some time",
              "[stale][loads]") {
  if (!kind.exact_tick)
    return;
  load_fixture f{kind};
  REQUIRE(f.uut->set("k", "old"));
  const auto version = version_of(*f.uut, "k");
  f.advance(2min);
  const auto failed = f.now();
  REQUIRE(grant(f, "k", 1).stale);
  release(f, "k", 1, failed + 30s);
  CHECK_FALSE(f.holds("k", 1));

  const auto answer = acquire(f, "k", 2);
  REQUIRE(std::holds_alternative<load_stale>(answer));
  CHECK(std::get<load_stale>(answer).entry.value == "old");
  CHECK(std::get<load_stale>(answer).entry.version == version);
  CHECK(std::get<load_stale>(answer).entry.refresh_from == failed + 30s);
  CHECK(std::holds_alternative<load_stale>(acquire(f, "k", 2, refresh)));
  const auto seen = usable(f, "k");
  CHECK(seen->version == version);
  CHECK(seen->moments.refresh_from == failed + 30s);
  CHECK(seen->moments.usable_until == failed - 1min + 1h);
  f.advance(30s - 1ns);
  CHECK(std::holds_alternative<load_stale>(acquire(f, "k", 2)));
  f.advance(1ns);
  CHECK(grant(f, "k", 3).stale->value == "old");

  SECTION("a load without the lease changes nothing") {
    release(f, "k", 2, f.now() + 1h);
    CHECK(f.holds("k", 3));
    REQUIRE(f.uut->set("k", "new"));
    release(f, "k", 3, f.now() + 30min);
    CHECK(usable(f, "k")->moments.refresh_from == f.now() + 1min);
  }
  SECTION("the moment does not move back") {
    release(f, "k", 3, f.now() + 30s);
    const auto last = usable(f, "k")->moments.refresh_from;
    CHECK(last == f.now() + 30s);
    f.advance(30s);
    static_cast<void>(grant(f, "k", 4));
    release(f, "k", 4, last - 1s);
    CHECK(usable(f, "k")->moments.refresh_from == last);
  }
  SECTION("a load that is just given up leaves the moment") {
    release(f, "k", 3);
    CHECK(grant(f, "k", 4).stale);
  }
  SECTION("without an entry there is nothing to postpone") {
    REQUIRE(f.uut->erase("k"));
    static_cast<void>(grant(f, "k", 4));
    release(f, "k", 4, f.now() + 30s);
    CHECK_FALSE(grant(f, "k", 5).stale);
  }
}

PROVIDER_CASE("a live entry is refreshed from its moment on",
              "[stale][loads]") {
  if (!kind.exact_tick)
    return;
  load_fixture f{kind, 0.5};
  const auto written = f.now();
  REQUIRE(f.uut->set("k", "old", tagged({"red"})));
  const auto version = version_of(*f.uut, "k");
  const auto from = usable(f, "k")->moments.refresh_from;
  CHECK(from >= written + 30s);
  CHECK(from <= written + 45s);
  f.advance(from - written - 1ns);
  const auto early = acquire(f, "k", 1, refresh);
  REQUIRE(std::holds_alternative<load_hit>(early));
  CHECK(std::get<load_hit>(early).version == version);
  f.advance(1ns);
  CHECK(std::holds_alternative<load_hit>(acquire(f, "k", 1)));
  const auto granted = grant(f, "k", 2, refresh);
  CHECK_FALSE(granted.stale); // It is not.
  // For a while no other reader asks for one.
  CHECK(std::holds_alternative<load_hit>(acquire(f, "k", 3, refresh)));
  f.advance(defaults::refresh_pause);
  const auto second = acquire(f, "k", 3, refresh);
  REQUIRE(std::holds_alternative<load_joined>(second));
  CHECK(std::get<load_joined>(second).id == 2);
  CHECK_FALSE(std::get<load_joined>(second).stale);
  CHECK(f.get("k") == "old");
  const auto refused = [&](std::string_view left) {
    CHECK_FALSE(
      commit(f, "k", 2, granted.born, {"new", tagged({"red"})}).stored);
    CHECK(f.get("k") == left);
  };

  SECTION("its result replaces the value") {
    f.advance(1s);
    CHECK(commit(f, "k", 2, granted.born, {"new"}).stored);
    CHECK(f.get("k") == "new");
    CHECK(usable(f, "k")->deadline == f.now() + 1min);
    CHECK(usable(f, "k")->moments.refresh_from >= f.now() + 30s);
    CHECK(std::holds_alternative<load_hit>(acquire(f, "k", 4, refresh)));
  }
  SECTION("also after the deadline") {
    f.advance(1min);
    CHECK(commit(f, "k", 2, granted.born, {"new"}).stored);
    CHECK(f.get("k") == "new");
  }
  SECTION("a set wins") {
    REQUIRE(f.uut->set("k", "set"));
    refused("set");
  }
  SECTION("an erase wins") {
    REQUIRE(f.uut->erase("k"));
    refused("<none>");
  }
  SECTION("a tag wins") {
    REQUIRE(f.uut->invalidate_tag("red"));
    refused("<none>");
  }
  SECTION("a clear wins") {
    REQUIRE(f.uut->clear());
    refused("<none>");
  }
  SECTION("an update wins") {
    REQUIRE(f.uut->provider().begin_update(hashed_key{"k", hash_key("k")}, 7));
    refused("old");
    REQUIRE(
      f.uut->provider().abandon_update(hashed_key{"k", hash_key("k")}, 7));
  }
  SECTION("no value any more removes the old one") {
    CHECK_FALSE(commit(f, "k", 2, granted.born, {}).stored);
    CHECK(f.get("k") == "<none>");
    CHECK(usable_value(f, "k") == "<none>");
  }
  SECTION("no value any more can be remembered") {
    CHECK(commit(f, "k", 2, granted.born, {std::nullopt, {}, 10s}).stored);
    CHECK(f.get("k") == "<none>");
    CHECK(usable_value(f, "k") == "<absent>");
  }
  SECTION("after a failure the refresh is postponed") {
    release(f, "k", 2, f.now() + 5s);
    CHECK(std::holds_alternative<load_hit>(acquire(f, "k", 4, refresh)));
    CHECK(version_of(*f.uut, "k") == version);
    f.advance(5s);
    static_cast<void>(grant(f, "k", 5, refresh));
    // Also over the deadline.
    const auto next = f.now() + 1min;
    release(f, "k", 5, next);
    f.advance(1min - 1ns);
    CHECK(std::holds_alternative<load_stale>(acquire(f, "k", 6)));
    f.advance(1ns);
    CHECK(grant(f, "k", 7).stale);
  }
}

PROVIDER_CASE("the moments of a refresh are spread", "[stale][loads]") {
  if (!kind.exact_tick)
    return;
  region_options options;
  options.ttl = 100s;
  options.refresh_ahead = 0.8;
  fixture f{kind, options};
  constexpr int n = 2'000;
  std::vector<double> shares;
  for (int i = 0; i < n; ++i) {
    const auto key = std::to_string(i);
    REQUIRE(f.uut->set(key, "value"));
    const auto x = usable(f, key);
    REQUIRE(x);
    CHECK(x->moments.usable_until == x->deadline);
    const std::chrono::duration<double> after
      = x->moments.refresh_from - f.now();
    shares.push_back(after.count() / 100);
  }
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  CHECK(*least >= 0.8 - 1e-6);
  CHECK(*most <= 0.9 + 1e-6);
  for (int slot = 0; slot < 10; ++slot) {
    const auto in = std::count_if(shares.begin(), shares.end(), [&](double x) {
      return static_cast<int>((x - 0.8) * 100) == slot;
    });
    CHECK(in > n / 10 * 7 / 10);
    CHECK(in < n / 10 * 13 / 10);
  }
}

PROVIDER_CASE("a refresh ahead with an idle time counts from the TTL",
              "[stale][loads][idle]") {
  if (!kind.exact_tick)
    return;
  region_options options;
  options.ttl = 100min;
  options.idle = 64min;
  options.refresh_ahead = 0.5;
  options.fail_safe = 1h;
  fixture f{kind, options};
  REQUIRE(f.uut->set("k", "value"));
  const auto written = f.now();
  const auto from = usable(f, "k")->moments.refresh_from;
  CHECK(from >= written + 50min);
  CHECK(from <= written + 64min); // The idle time may end first.
  f.advance(60min);
  CHECK(f.get("k") == "value");
  f.advance(15min);
  static_cast<void>(grant(f, "k", 1, refresh));
  release(f, "k", 1, f.now() + 5min);
  CHECK(usable(f, "k")->moments.refresh_from == f.now() + 5min);
  CHECK(std::holds_alternative<load_hit>(acquire(f, "k", 2, refresh)));
  f.advance(25min);
  CHECK(f.get("k") == "<none>");
  CHECK(grant(f, "k", 3).stale);
}

PROVIDER_CASE("it is remembered that there is no value", "[stale][absence]") {
  if (!kind.exact_tick)
    return;
  load_fixture f{kind};
  const auto end = f.now() + 10s;
  store_absence(f, "k", 10s, tagged({"red"}));
  const auto still_absent = [&] {
    CHECK(f.get("k") == "<none>");
    CHECK(f.uut->contains("k") == false);
  };
  still_absent();
  const auto seen = usable(f, "k");
  REQUIRE(seen);
  CHECK(seen->moments.absence);
  CHECK(seen->value.empty());
  CHECK(seen->moments.usable_until == end);
  CHECK(seen->moments.refresh_from == end);
  for (auto why : {load_purpose::missing, refresh}) {
    const auto answer = acquire(f, "k", 2, why);
    REQUIRE(std::holds_alternative<load_absent>(answer));
    CHECK(std::get<load_absent>(answer).usable_until == end);
  }

  SECTION("until its time is over") {
    f.advance(10s - 1ns);
    CHECK(std::holds_alternative<load_absent>(acquire(f, "k", 2)));
    f.advance(1ns);
    CHECK_FALSE(grant(f, "k", 3).stale);
    release(f, "k", 3);
    f.advance(1s);
    settle(f);
    CHECK(f.uut->size() == 0);
  }
  SECTION("until an erase") {
    CHECK(f.uut->erase("k") == false);
    CHECK_FALSE(grant(f, "k", 3).stale);
  }
  SECTION("until a tag is invalidated") {
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK_FALSE(grant(f, "k", 3).stale);
  }
  SECTION("until a clear") {
    REQUIRE(f.uut->clear());
    CHECK_FALSE(grant(f, "k", 3).stale);
  }
  SECTION("until a value is set") {
    write_options how;
    how.condition = write_condition::if_present;
    CHECK(f.uut->set("k", "new", how) == false);
    still_absent();
    how.condition = write_condition::if_absent;
    CHECK(f.uut->set("k", "new", how) == true);
    CHECK(f.get("k") == "new");
    CHECK_FALSE(usable(f, "k")->moments.absence);
    CHECK(usable(f, "k")->deadline == f.now() + 1min);
  }
  SECTION("until an edit stores one") {
    REQUIRE(f.uut->transform("k", [](const entry_view* x) -> expected<edit> {
      CHECK(x == nullptr);
      return edit::replace("new");
    }));
    CHECK(f.get("k") == "new");
    CHECK(usable(f, "k")->deadline == f.now() + 1min);
  }
  SECTION("until an update stores one") {
    REQUIRE(f.uut->update(
      "k", [](std::optional<bytes_view> x) -> expected<std::optional<bytes>> {
        CHECK_FALSE(x);
        return bytes{"new"};
      }));
    CHECK(f.get("k") == "new");
    CHECK_FALSE(usable(f, "k")->moments.absence);
  }
  SECTION("through get_or_set, which does not call its loader") {
    const auto found = f.uut->get_or_set(
      "k", [](load_context&) -> expected<std::optional<bytes>> {
        FAIL("called");
        return bytes{};
      });
    REQUIRE(found);
    CHECK_FALSE(*found);
  }
}

PROVIDER_CASE("an absence is remembered under the rules of leases",
              "[stale][absence][G3]") {
  if (!kind.exact_tick)
    return;
  load_fixture f{kind};
  const auto granted = grant(f, "k", 1);
  const auto try_to_store = [&] {
    return commit(f, "k", 1, granted.born,
                  {std::nullopt, tagged({"red"}), 10s});
  };
  SECTION("not after an erase") {
    REQUIRE(f.uut->erase("k") == false);
    CHECK_FALSE(try_to_store().stored);
  }
  SECTION("not after a set") {
    REQUIRE(f.uut->set("k", "set"));
    CHECK_FALSE(try_to_store().stored);
    CHECK(f.get("k") == "set");
    return;
  }
  SECTION("not after an invalidation of its tag") {
    REQUIRE(f.uut->invalidate_tag("red"));
    const auto outcome = try_to_store();
    CHECK(outcome.killed);
    CHECK_FALSE(outcome.stored);
  }
  SECTION("not after a clear") {
    REQUIRE(f.uut->clear());
    CHECK_FALSE(try_to_store().stored);
  }
  SECTION("not when it should not be") {
    CHECK_FALSE(commit(f, "k", 1, granted.born, {}).stored);
  }
  CHECK(usable_value(f, "k") == "<none>");
}
