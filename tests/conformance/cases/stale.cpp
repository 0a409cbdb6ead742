// Entries between their two moments: past the deadline, and still usable by callers that
// accept stale values.

#include "conformance/stale.hpp"

#include <chrono>
#include <random>
#include <string>

#include <troupe/backends/abilities.hpp>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

region_options lasting(ttl_duration ttl, ttl_duration fail_safe) {
  region_options x;
  x.ttl = ttl;
  x.fail_safe = fail_safe;
  return x;
}

/// A region whose entries live for a minute and are usable for an hour after that.
struct stale_fixture : fixture {
  explicit stale_fixture(const provider_kind& with)
    : fixture(with, lasting(1min, 1h)) {
    // nop
  }

  /// Stores a value and lets it become stale.
  void set_stale(std::string_view key, std::string_view value,
                 const write_options& how = {}) {
    REQUIRE(uut->set(key, value, how) == true);
    advance(1min);
  }
};

} // namespace

PROVIDER_CASE("a stale value is there for those who accept it only",
              "[stale]") {
  fixture f{kind};
  write_options how;
  how.ttl = f.units(1);
  how.stale_for = 1h;
  const auto written
    = f.during([&] { REQUIRE(f.uut->set("k", "value", how)); });
  f.advance(f.units(1));
  CHECK(f.get("k") == "<none>");
  CHECK(f.uut->contains("k") == false);
  CHECK_FALSE(f.uut->ttl("k").value());
  CHECK_FALSE(look_at(*f.uut, "k"));
  const auto seen = usable(f, "k");
  REQUIRE(seen);
  CHECK(seen->value == "value");
  CHECK(f.falls(seen->deadline, written, f.units(1)));
  CHECK(seen->moments.usable_until == seen->deadline + 1h);
  CHECK(seen->moments.refresh_from == seen->deadline);
  CHECK_FALSE(seen->moments.absence);
  CHECK(usable_value(f, "other") == "<none>");
}

PROVIDER_CASE("an entry is usable until its second moment, then it is removed",
              "[stale][expiry]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  REQUIRE(f.uut->set("k", "value"));
  f.advance(1min - 1ns);
  CHECK(f.get("k") == "value");
  CHECK(usable_value(f, "k") == "value");
  f.advance(1ns);
  CHECK(f.get("k") == "<none>");
  f.advance(1h - 1ns);
  settle(f);
  CHECK(f.uut->size() == 1); // As for expired entries that are not yet swept.
  CHECK(usable_value(f, "k") == "value");
  f.advance(1ns);
  CHECK(usable_value(f, "k") == "<none>");
  f.advance(1s);
  settle(f);
  CHECK(f.uut->size() == 0);
}

PROVIDER_CASE("how long an entry may be stale is the region's or the write's",
              "[stale]") {
  if (!kind.exact_tick)
    return;
  region_options options;
  options.ttl = 10min;
  options.fail_safe = 1h;
  options.stale_while_revalidate = 2h;
  fixture f{kind, options};
  const auto stale_for = [&](std::string_view key) {
    const auto x = usable(f, key);
    REQUIRE(x);
    return x->moments.usable_until - x->deadline;
  };
  REQUIRE(f.uut->set("usual", "1"));
  CHECK(stale_for("usual") == 2h);
  write_options own;
  own.stale_for = 3min;
  REQUIRE(f.uut->set("own", "1", own));
  CHECK(stale_for("own") == 3min);
  own.stale_for = 0ms;
  REQUIRE(f.uut->set("own", "1", own));
  CHECK(stale_for("own") == 0ms);
  // An entry without a deadline is never stale.
  write_options endless;
  endless.ttl = no_expiry;
  endless.stale_for = 1h;
  REQUIRE(f.uut->set("endless", "1", endless));
  CHECK(usable(f, "endless")->moments.usable_until == never);
  CHECK(usable(f, "endless")->moments.refresh_from == never);

  SECTION("a write that keeps the TTL keeps it, too") {
    own.stale_for = 3min;
    REQUIRE(f.uut->set("own", "1", own));
    write_options keeping;
    keeping.keep_ttl = true;
    keeping.stale_for = 1min;
    REQUIRE(f.uut->set("own", "2", keeping));
    CHECK(stale_for("own") == 3min);
    REQUIRE(f.uut->transform("own", [](const entry_view*) -> expected<edit> {
      return edit::append("3");
    }));
    CHECK(stale_for("own") == 3min);
    CHECK(f.get("own") == "23");
  }
  SECTION("so does an update, unless it sets its own") {
    own.stale_for = 3min;
    REQUIRE(f.uut->set("own", "1", own));
    const auto two
      = [](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
      return bytes{"2"};
    };
    REQUIRE(f.uut->update("own", two));
    CHECK(stale_for("own") == 3min);
    own.stale_for = 4min;
    REQUIRE(f.uut->update("own", two, own));
    CHECK(stale_for("own") == 4min);
    CHECK(usable(f, "own")->deadline == f.now() + 10min);
  }
  SECTION("an edit with its own deadline gets the region's") {
    const auto until = f.now() + 7min;
    REQUIRE(f.uut->transform("own", [&](const entry_view*) -> expected<edit> {
      return edit::store_until("2", until);
    }));
    CHECK(stale_for("own") == 2h);
    CHECK(usable(f, "own")->deadline == until);
    REQUIRE(f.uut->transform("own", [&](const entry_view*) -> expected<edit> {
      return edit::store_until("3", never);
    }));
    CHECK(usable(f, "own")->moments.usable_until == never);
  }
  SECTION("a touch moves both moments") {
    REQUIRE(f.uut->touch("usual", 20min));
    CHECK(usable(f, "usual")->deadline == f.now() + 20min);
    CHECK(stale_for("usual") == 2h);
    REQUIRE(f.uut->touch("usual", no_expiry));
    CHECK(usable(f, "usual")->moments.usable_until == never);
    REQUIRE(f.uut->touch("usual", 1min));
    CHECK(stale_for("usual") == 2h);
  }
}

PROVIDER_CASE("a deadline in the past leaves nothing usable", "[stale]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  REQUIRE(f.uut->set("k", "value"));
  SECTION("set by a touch") {
    REQUIRE(f.uut->transform("k", [&](const entry_view*) -> expected<edit> {
      return edit::touch(f.now());
    }));
  }
  SECTION("set by a store") {
    REQUIRE(f.uut->transform("k", [&](const entry_view*) -> expected<edit> {
      return edit::store_until("other", f.now() - 1s);
    }));
  }
  CHECK(f.get("k") == "<none>");
  CHECK(usable_value(f, "k") == "<none>");
}

PROVIDER_CASE("every invalidation removes stale values", "[stale][G3]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  f.set_stale("k", "old", tagged({"red"}));
  REQUIRE(usable_value(f, "k") == "old");
  SECTION("an erase, though it finds no live entry") {
    CHECK(f.uut->erase("k") == false);
  }
  SECTION("an erase of what is absent") {
    CHECK(f.uut->compare_and_erase("k", no_version) == true);
  }
  SECTION("an edit that erases") {
    REQUIRE(f.uut->transform("k", [](const entry_view* x) -> expected<edit> {
      CHECK(x == nullptr);
      return edit::erase();
    }));
  }
  SECTION("an update that erases") {
    REQUIRE(f.uut->update(
      "k", [](std::optional<bytes_view> x) -> expected<std::optional<bytes>> {
        CHECK_FALSE(x);
        return std::nullopt;
      }));
  }
  SECTION("an update under a lease that erases") {
    const hashed_key key{"k", hash_key("k")};
    auto& uut = f.uut->provider();
    CHECK_FALSE(uut.begin_update(key, 7)->value);
    CHECK(uut.commit_update(key, 7, std::nullopt, {})
          == update_outcome::stored);
  }
  SECTION("a tag") {
    REQUIRE(f.uut->invalidate_tag("red"));
  }
  SECTION("a clear") {
    REQUIRE(f.uut->clear());
  }
  CHECK(usable_value(f, "k") == "<none>");
  CHECK_FALSE(grant(f, "k", 1).stale);
  settle(f);
  CHECK(f.uut->size() == 0);
}

PROVIDER_CASE("every write replaces a stale value", "[stale]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  f.set_stale("k", "7");
  std::string expected_value = "new";
  SECTION("a set") {
    REQUIRE(f.uut->set("k", "new"));
  }
  SECTION("a set of an absent key") {
    write_options how;
    how.condition = write_condition::if_present;
    CHECK(f.uut->set("k", "new", how) == false);
    CHECK(usable_value(f, "k") == "7");
    how.condition = write_condition::if_absent;
    CHECK(f.uut->set("k", "new", how) == true);
  }
  SECTION("a compare-and-set of an absent key") {
    CHECK(f.uut->compare_and_set("k", no_version, "new").value());
  }
  SECTION("an increment") {
    CHECK(f.uut->increment("k") == 1);
    expected_value = "1";
  }
  SECTION("an update") {
    CHECK(f.uut->update(
            "k",
            [](std::optional<bytes_view> x) -> expected<std::optional<bytes>> {
              CHECK_FALSE(x);
              return bytes{"new"};
            })
          == bytes{"new"});
  }
  SECTION("an edit") {
    REQUIRE(f.uut->transform("k", [](const entry_view* x) -> expected<edit> {
      CHECK(x == nullptr);
      return edit::append("new");
    }));
  }
  CHECK(f.get("k") == expected_value);
  CHECK(usable(f, "k")->deadline == f.now() + 1min);
  CHECK(f.uut->size() == 1);
}

PROVIDER_CASE("calls that need a live entry leave a stale one alone",
              "[stale]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  REQUIRE(f.uut->set("k", "old"));
  const auto version = version_of(*f.uut, "k");
  f.advance(1min);
  CHECK(f.uut->touch("k", 1h) == false);
  CHECK(f.uut->compare_and_erase("k", version) == false);
  CHECK_FALSE(f.uut->compare_and_set("k", version, "new").value());
  CHECK(usable_value(f, "k") == "old");
  CHECK(usable(f, "k")->version == version);
}

PROVIDER_CASE("an entry that nothing reads is stale after its idle time",
              "[stale][idle]") {
  if (!kind.exact_tick)
    return;
  auto options = lasting(100min, 10min);
  options.idle = 64min;
  fixture f{kind, options};
  REQUIRE(f.uut->set("k", "value"));
  f.advance(60min);
  CHECK(f.get("k") == "value"); // From here on until the end of the TTL.
  f.advance(40min - 1ns);
  CHECK(f.get("k") == "value");
  f.advance(1ns);
  CHECK(f.get("k") == "<none>");
  CHECK(usable_value(f, "k") == "value");
  CHECK(usable(f, "k")->moments.usable_until == f.now() + 10min);

  REQUIRE(f.uut->set("idle", "value"));
  f.advance(64min);
  CHECK(f.get("idle") == "<none>");
  CHECK(usable_value(f, "idle") == "value");
  f.advance(10min);
  CHECK(usable_value(f, "idle") == "<none>");
  f.advance(1s);
  settle(f);
  CHECK(f.uut->size() == 0);
}

PROVIDER_CASE("a read that accepts stale values is a use, unless it peeks",
              "[stale][idle]") {
  if (!kind.exact_tick)
    return;
  auto options = lasting(10h, 10min);
  options.idle = 64min;
  fixture f{kind, options};
  REQUIRE(f.uut->set("k", "value"));
  f.advance(30min);
  const auto before = usable(f, "k")->deadline;
  CHECK(usable(f, "k")->deadline == before);
  REQUIRE(f.uut->provider().read_usable(
    hashed_key{"k", hash_key("k")}, [](const entry_view&, const staleness&) {},
    lookup::use));
  CHECK(usable(f, "k")->deadline >= f.now() + 64min);
}

PROVIDER_CASE("large and tagged values can be stale", "[stale][tags]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  const std::string large(1 << 20, 'x');
  const std::string name(37, 'n');
  f.set_stale("plain", large);
  f.set_stale("tagged", large, tagged({"red", name}));
  f.set_stale("small", "s", tagged({"red", name}));
  for (const auto* key : {"plain", "tagged", "small"}) {
    CHECK(f.get(key) == "<none>");
    CHECK(usable_value(f, key) == (*key == 's' ? "s" : large));
  }
  REQUIRE(f.uut->invalidate_tag(name));
  CHECK(usable_value(f, "plain") == large);
  CHECK(usable_value(f, "tagged") == "<none>");
  CHECK(usable_value(f, "small") == "<none>");
  settle(f);
  CHECK(f.uut->size() == 1);
}

PROVIDER_CASE("a renamed or copied entry keeps its moments", "[stale]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  write_options how;
  how.stale_for = 3min;
  how.tags = {"red"};
  REQUIRE(f.uut->set("from", "value", how));
  const auto before = usable(f, "from");
  REQUIRE(f.uut->copy("from", *f.uut, "a much longer key than the first one"));
  REQUIRE(f.uut->rename("from", "to"));
  for (const auto* key : {"to", "a much longer key than the first one"}) {
    const auto after = usable(f, key);
    REQUIRE(after);
    CHECK(after->deadline == before->deadline);
    CHECK(after->moments.usable_until == before->moments.usable_until);
  }
  CHECK(usable_value(f, "from") == "<none>");
  // A stale entry is absent for both.
  f.advance(1min);
  CHECK(f.uut->rename("to", "other") == transfer_result::absent);
  CHECK(usable_value(f, "to") == "value");
  // It gives way to another one, also if that must find the key absent.
  REQUIRE(f.uut->set("new", "value"));
  CHECK(f.uut->rename("new", "to", true) == transfer_result::done);
  CHECK(usable(f, "to")->deadline == f.now() + 1min);
}

PROVIDER_CASE("a walk does not see stale entries", "[stale]") {
  if (!kind.exact_tick)
    return;
  stale_fixture f{kind};
  if (f.uut->provider().scans() == nullptr)
    return;
  f.set_stale("stale", "value");
  store_absence(f, "absent", 1h);
  REQUIRE(f.uut->set("live", "value"));
  std::string seen;
  scan_cursor from = 0;
  do {
    const auto next = f.uut->scan(
      from, [&](bytes_view key, const entry_view&) { seen += key; });
    REQUIRE(next);
    from = *next;
  } while (from != 0);
  CHECK(seen == "live");
  std::minstd_rand random;
  CHECK(f.uut->random_key(random).value() == bytes{"live"});
}

PROVIDER_CASE("after the stop nothing is usable", "[stale]") {
  fixture f{kind};
  f.uut->stop();
  const auto found = f.uut->provider().read_usable(
    hashed_key{"k", hash_key("k")},
    [](const entry_view&, const staleness&) { FAIL("called"); }, lookup::use);
  CHECK(code_of(found) == errc::shutting_down);
}
