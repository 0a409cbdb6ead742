// Updates: nothing is lost, and nothing survives what it was made of (G1, G3).

#include <atomic>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Runs of an update function that lose to another change, as long as that may overtake.
constexpr int races = static_cast<int>(defaults::update_races);

/// A function that adds 1 to a number.
loaded count(std::optional<bytes_view> old) {
  return std::to_string(std::stoi(std::string{old.value_or("0")}) + 1);
}

} // namespace

PROVIDER_CASE("an update replaces what is there and makes what is not",
              "[update]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  auto more = [](std::optional<bytes_view> old) -> loaded {
    return bytes{old.value_or("none")} + "+";
  };
  auto update = [&] {
    return later ? update_async(*f.uut, "k", more).get()
                 : f.uut->update("k", more);
  };
  CHECK(update().value() == "none+");
  CHECK(update().value() == "none++");
  CHECK(f.get("k") == "none++");
}

PROVIDER_CASE("an update may remove the entry", "[update]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  REQUIRE(f.uut->set("a", "1"));
  auto none = [](auto) -> loaded { return std::nullopt; };
  for (int twice = 0; twice < 2; ++twice) {
    auto erased = later ? update_async(*f.uut, "a", none).get()
                        : f.uut->update("a", none);
    CHECK(erased.value() == std::nullopt);
    CHECK(f.get("a") == "<none>");
  }
}

PROVIDER_CASE("parallel updates and increments lose nothing", "[update][G1]") {
  constexpr int threads = 4;
  const int rounds = kind.rounds(2'000);
  fixture f{kind};
  std::atomic<int> failures{0};
  crew(threads, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t % 2 == 0) {
        auto updated = f.uut->update("n", [](std::optional<bytes_view> old) {
          auto next = count(old);
          std::this_thread::yield(); // Lose some races.
          return next;
        });
        if (!updated)
          ++failures;
      } else if (!f.uut->increment("n")) {
        ++failures;
      }
    }
  });
  CHECK(failures == 0);
  CHECK(f.get("n") == std::to_string(threads * rounds));
}

PROVIDER_CASE("updates that need the lease of their key lose nothing",
              "[update][G1]") {
  // Each loses all the races that it may, to its own increments.
  constexpr int threads = 4;
  constexpr int rounds = 25;
  fixture f{kind};
  std::atomic<int> failures{0};
  std::atomic<int> runs{0};
  crew(threads, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      int run = 0;
      auto f_once = [&](std::optional<bytes_view> old) -> loaded {
        ++runs;
        if (++run <= races && !f.uut->increment("n"))
          ++failures;
        return count(old);
      };
      auto updated = t % 2 == 0 ? f.uut->update("n", f_once)
                                : update_async(*f.uut, "n", f_once).get();
      if (!updated)
        ++failures;
    }
  });
  CHECK(failures == 0);
  CHECK(runs == threads * rounds * (races + 1));
  CHECK(f.get("n") == std::to_string(threads * rounds * (races + 1)));
}

PROVIDER_CASE("an update that loses every race finishes under a lease",
              "[update]") {
  fixture f{kind};
  int runs = 0;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    // Another is always faster, as long as the provider lets it.
    if (++runs <= races)
      REQUIRE(f.uut->increment("n", 100));
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(runs == races + 1);
  CHECK(result.value() == "400!");
  CHECK(f.get("n") == "400!");
}

PROVIDER_CASE(
  "what reads before it changes waits for an update under its lease",
  "[update][G1]") {
  fixture f{kind};
  int runs = 0;
  std::vector<std::future<expected<std::int64_t>>> waiting;
  std::future<expected<std::int64_t>> blocked;
  std::future<expected<bool>> conditional;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    if (++runs <= races) {
      REQUIRE(f.uut->increment("n"));
    } else {
      for (int i = 0; i < 3; ++i)
        waiting.push_back(increment_async(*f.uut, "n"));
      conditional = set_if_absent_async(*f.uut, "n", "x");
      blocked = std::async(std::launch::async,
                           [&f] { return f.uut->increment("n"); });
      // Others go on.
      REQUIRE(f.uut->increment("other"));
      REQUIRE(increment_async(*f.uut, "other").get() == 2);
      REQUIRE(f.get("n") == "4");
      for (auto& x : waiting)
        CHECK(x.wait_for(0s) == std::future_status::timeout);
    }
    return count(old);
  });
  CHECK(result.value() == "5");
  std::int64_t last = 5;
  for (auto& x : waiting) {
    const auto sum = x.get();
    CHECK((sum == last + 1 || sum == last + 2)); // In their order.
    last = sum.value_or(0);
  }
  CHECK(blocked.get());
  CHECK(conditional.get() == false);
  CHECK(f.get("n") == "9");
}

PROVIDER_CASE("an update that a blind write overtakes counts as before it",
              "[update]") {
  fixture f{kind};
  int runs = 0;
  const auto later = GENERATE(false, true);
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    const auto value = "blind " + std::to_string(++runs);
    REQUIRE(
      (later ? set_async(*f.uut, "n", value).get() : f.uut->set("n", value)));
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(runs == races + 1);
  CHECK(result.value() == "blind 4!");
  CHECK(f.get("n") == "blind 5");
}

PROVIDER_CASE("an update that a clear overtakes counts as before it",
              "[update]") {
  fixture f{kind};
  int runs = 0;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    if (++runs <= races)
      REQUIRE(f.uut->increment("n"));
    else
      REQUIRE(f.uut->clear());
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(runs == races + 1);
  CHECK(result.value() == "4!");
  CHECK(f.get("n") == "<none>");
}

PROVIDER_CASE("an update that throws or returns an error changes nothing",
              "[update][G10]") {
  fixture f{kind};
  REQUIRE(f.uut->set("a", "1"));
  auto thrown = f.uut->update(
    "a", [](auto) -> loaded { throw std::runtime_error{"oops"}; });
  CHECK(thrown.error() == errc::update_failed);
  CHECK(thrown.error().text() == "oops");
  CHECK(f.uut->update("a", [](auto) -> loaded { throw 1; }).error()
        == errc::update_failed);
  auto returned = f.uut->update(
    "a", [](auto) -> loaded { return fail(errc::invalid_argument, "no"); });
  CHECK(returned.error() == errc::invalid_argument);
  CHECK(f.get("a") == "1");
  // Under the lease, too, and the lease is given back.
  int runs = 0;
  auto late = f.uut->update("a", [&](auto) -> loaded {
    if (++runs <= races) {
      REQUIRE(f.uut->increment("a"));
      return "lost";
    }
    throw std::runtime_error{"oops"};
  });
  CHECK(late.error() == errc::update_failed);
  CHECK(f.uut->increment("a") == 6);
}

PROVIDER_CASE("an update that makes what cannot be stored changes nothing",
              "[update][G10]") {
  fixture f{kind, {.max_value_size = 20}};
  REQUIRE(f.uut->set("k", "1"));
  const auto raced = GENERATE(false, true);
  int runs = 0;
  auto made = f.uut->update("k", [&](auto) -> loaded {
    if (raced && ++runs <= races)
      REQUIRE(f.uut->increment("k"));
    else
      return bytes(21, 'v');
    return "lost";
  });
  CHECK(made.error() == errc::value_too_large);
  CHECK(f.uut->increment("k") == (raced ? races + 2 : 2));
}

PROVIDER_CASE(
  "an update that holds its lease for too long loses it, and runs again",
  "[update]") {
  // The lease is meant for `op_timeout`; what waits for it gets in then.
  const auto lease = kind.exact_tick ? 10'000ms : 500ms;
  fixture f{kind, {.op_timeout = lease}};
  int runs = 0;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    if (++runs <= races) {
      REQUIRE(f.uut->increment("n"));
    } else if (runs == races + 1) {
      f.advance(lease);
      // Not blocking, whose patience is of the same length.
      REQUIRE(increment_async(*f.uut, "n", 10).get() == 14);
    }
    return count(old);
  });
  if (f.exact_tick())
    CHECK(runs == races + 2);
  CHECK(result.value() == "15");
  CHECK(f.get("n") == "15");
}

PROVIDER_CASE("an update keeps what the entry has unless it says otherwise",
              "[update]") {
  fixture f{kind, {.ttl = 5h}};
  write_options first;
  first.ttl = 2h;
  first.tags = {"red"};
  const auto written = f.during([&] { REQUIRE(f.uut->set("k", "1", first)); });
  auto more = [](std::optional<bytes_view> old) -> loaded {
    return bytes{old.value_or("none")} + "+";
  };
  const auto raced = GENERATE(false, true);
  auto update = [&](const write_options& how) {
    int runs = 0;
    return f.during([&] {
      auto made = f.uut->update(
        "k",
        [&](std::optional<bytes_view> old) {
          // Each of the first runs loses, so that the last one holds the lease.
          if (raced && ++runs <= races)
            REQUIRE(f.uut->transform("k", [](const entry_view* x) {
              return expected<edit>{x == nullptr ? edit::keep()
                                                 : edit::replace(x->value)};
            }));
          return more(old);
        },
        how);
      REQUIRE(made);
    });
  };
  if (f.exact_tick())
    f.advance(30min);
  SECTION("nothing is said") {
    update({});
    CHECK(f.get("k") == "1+");
    CHECK(f.ends("k", written, 2h));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("another TTL") {
    CHECK(f.ends("k", written, 2h));
    const auto updated = update({.ttl = 3h});
    CHECK(f.ends("k", updated, 3h));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("other tags") {
    write_options blue;
    blue.tags = {"blue"};
    update(blue);
    CHECK(f.ends("k", written, 2h));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "1+");
    REQUIRE(f.uut->invalidate_tag("blue"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("an idle time") {
    const auto updated = update({.idle = 20min});
    CHECK(f.ends("k", updated, 20min));
    CHECK(f.falls(look_at(*f.uut, "k")->ttl_end, written, 2h));
    update({});
    CHECK(look_at(*f.uut, "k")->idle == 20min);
    if (f.exact_tick()) {
      f.advance(15min);
      CHECK(f.get("k") == "1++");
      f.advance(15min);
      CHECK(f.get("k") == "1++");
      f.advance(21min);
      CHECK(f.get("k") == "<none>");
    }
  }
  SECTION("there is none") {
    REQUIRE(f.uut->erase("k"));
    const auto updated = update({});
    CHECK(f.get("k") == "none+");
    CHECK(f.ends("k", updated, 5h));
  }
}

PROVIDER_CASE("an update makes an expired value anew", "[update][expiry]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "1", {.ttl = f.units(1)}));
  f.advance(f.units(1));
  auto made = f.uut->update("k", [](std::optional<bytes_view> old) -> loaded {
    return bytes{old.value_or("none")} + "+";
  });
  CHECK(made == "none+");
  CHECK(f.uut->ttl("k") == no_expiry);
}

// -- with tags and expiry in between -------------------------------------------------

PROVIDER_CASE(
  "what a function made of a value dies with it, also under its lease",
  "[update][tags][G3]") {
  // Each run loses to another write, so the fifth holds the key's lease.
  fixture f{kind};
  REQUIRE(f.uut->set("k", "0", tagged({"red"})));
  int runs = 0;
  write_options how;
  SECTION("it keeps the tags") {}
  SECTION("it names the tag again") {
    how.tags = {"red", "blue"};
  }
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view>) -> loaded {
      if (++runs <= races)
        REQUIRE(f.uut->set("k", std::to_string(runs), tagged({"red"})));
      else
        REQUIRE(f.uut->invalidate_tag("red"));
      return bytes{"made of what is dead"};
    },
    how);
  CHECK(runs == races + 1);
  CHECK(made == "made of what is dead");
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE(
  "a function whose result would outlive what it is made of is called "
  "again",
  "[update][tags][G3]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "0", tagged({"red"})));
  int runs = 0;
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view> old) -> loaded {
      if (++runs <= races)
        REQUIRE(f.uut->set("k", std::to_string(runs), tagged({"red"})));
      else if (runs == races + 1)
        REQUIRE(f.uut->invalidate_tag("red"));
      return bytes{old ? "made of what is dead" : "made of nothing"};
    },
    tagged({"blue"}));
  CHECK(runs == races + 2);
  CHECK(made == "made of nothing");
  CHECK(f.get("k") == "made of nothing");
}

PROVIDER_CASE("tags that an update gives count from when its result is stored",
              "[update][tags][G3]") {
  // What the function was given lives on, for all to see: so the update comes after
  // the invalidation of a tag that was not there yet.
  fixture f{kind};
  const auto last = GENERATE(1, races + 1);
  int runs = 0;
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view>) -> loaded {
      if (++runs < last)
        REQUIRE(f.uut->set("k", std::to_string(runs)));
      else
        REQUIRE(f.uut->invalidate_tag("red"));
      return bytes{"made"};
    },
    tagged({"red"}));
  CHECK(runs == last);
  CHECK(made == "made");
  CHECK(f.get("k") == "made");
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE(
  "an update under its lease that an erase overtook counts as before it, "
  "if the erase found what the update left",
  "[update]") {
  fixture f{kind};
  int runs = 0;
  std::optional<bool> erased;
  const auto result = GENERATE(std::optional<bytes>{"made"},
                               std::optional<bytes>{std::nullopt});
  auto made = f.uut->update("k", [&](std::optional<bytes_view>) -> loaded {
    if (++runs <= races)
      REQUIRE(f.uut->set("k", std::to_string(runs)));
    else if (runs == races + 1)
      erased = f.uut->erase("k").value();
    return result;
  });
  CHECK(erased == true);
  REQUIRE(made);
  CHECK(*made == result);
  // The erase told that there was an entry: one that the update had left.
  CHECK(runs == (result ? races + 1 : races + 2));
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE("an update under its lease sees that the value expired",
              "[update][expiry]") {
  fixture f{kind};
  int runs = 0;
  auto made = f.uut->update("k", [&](std::optional<bytes_view> old) -> loaded {
    if (++runs <= races)
      REQUIRE(f.uut->set("k", "x", {.ttl = f.units(10)}));
    else if (runs == races + 1)
      f.advance(f.units(11));
    return bytes{old ? "made of the old one" : "made anew"};
  });
  if (f.exact_tick())
    CHECK(runs == races + 2);
  CHECK(made == "made anew");
  CHECK(f.get("k") == "made anew");
}

PROVIDER_CASE("nothing survives the invalidation of what it was made of",
              "[update][tags][G3]") {
  // Threads change what they find, and only that. So once an invalidation of what
  // was there has returned, nothing may be found.
  using change = std::function<void(region&)>;
  const std::vector<std::pair<const char*, change>> changes{
    {"update",
     [](region& x) {
       static_cast<void>(x.update("k", [](std::optional<bytes_view> old) {
         return old ? std::optional{bytes{*old} + "u"} : std::nullopt;
       }));
     }},
    {"update with the tag named again",
     [](region& x) {
       static_cast<void>(x.update(
         "k",
         [](std::optional<bytes_view> old) {
           return old ? std::optional{bytes{*old} + "u"} : std::nullopt;
         },
         tagged({"red"})));
     }},
    {"compare_and_set",
     [](region& x) {
       bytes value;
       auto version = no_version;
       static_cast<void>(x.visit("k", [&](const entry_view& seen) {
         value = seen.value;
         version = seen.version;
       }));
       if (version != no_version)
         static_cast<void>(
           x.compare_and_set("k", version, value, tagged({"red"})));
     }},
    {"set with if_present",
     [](region& x) {
       auto how = tagged({"red"});
       how.condition = write_condition::if_present;
       static_cast<void>(x.set("k", "present", how));
     }},
    {"set with if_present, without tags of its own",
     [](region& x) {
       write_options how;
       how.condition = write_condition::if_present;
       how.keep_ttl = true;
       static_cast<void>(x.set("k", "present", how));
     }},
    {"transform",
     [](region& x) {
       bytes value;
       static_cast<void>(
         x.transform("k", [&](const entry_view* seen) -> expected<edit> {
           if (seen == nullptr)
             return edit::keep();
           value = seen->value;
           return edit::replace(value);
         }));
     }},
  };
  const auto number = GENERATE(range(0, 6));
  auto& [name, change_it] = changes.at(static_cast<std::size_t>(number));
  INFO(name);
  fixture f{kind};
  const int rounds = kind.rounds(5'000);
  int survived = 0;
  {
    busy_crew changers{
      3, [&, &run = change_it](unsigned) { return [&] { run(*f.uut); }; }};
    for (int i = 0; i < rounds; ++i) {
      CHECK(f.uut->set("k", "0", tagged({"red"})));
      if (i % 4 == 0)
        std::this_thread::yield();
      CHECK(f.uut->invalidate_tag("red"));
      survived += f.get("k") == "<none>" ? 0 : 1;
    }
  }
  CHECK(survived == 0);
}

PROVIDER_CASE("an increment does not go on from a number that was invalidated",
              "[update][tags][G3]") {
  fixture f{kind};
  int survived = 0;
  {
    busy_crew changers{2, [&](unsigned) {
                         return
                           [&] { static_cast<void>(f.uut->increment("n")); };
                       }};
    for (int i = kind.rounds(5'000); i > 0; --i) {
      CHECK(f.uut->set("n", "1000000000000", tagged({"red"})));
      CHECK(f.uut->invalidate_tag("red"));
      const auto n = f.get("n");
      survived += n != "<none>" && n.size() > 12 ? 1 : 0;
    }
  }
  CHECK(survived == 0);
}
