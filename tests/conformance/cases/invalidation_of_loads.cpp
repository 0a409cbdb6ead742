// An invalidation wins over each load that began before it (G3).

#include <atomic>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// What comes while a load of "k" is in flight, and what is there after it.
struct event {
  const char* name;
  std::function<void(fixture&)> happens;
  const char* leaves;
};

write_options when(write_condition x) {
  write_options result;
  result.condition = x;
  return result;
}

void update_to(fixture& f, std::optional<bytes> value) {
  REQUIRE(f.uut->update("k", [&](auto) -> loaded { return value; }));
}

void transform_to(fixture& f, const edit& next) {
  REQUIRE(f.uut->transform(
    "k", [&](const entry_view*) -> expected<edit> { return next; }));
}

void set_beside(fixture& f) {
  const std::vector<key_value> items{{"a", "1"}, {"k", "new"}, {"b", "2"}};
  REQUIRE(f.uut->set_many(items));
}

/// All that void the load.
const std::vector<event>& voiding() {
  static const std::vector<event> all{
    {"set", [](fixture& f) { REQUIRE(f.uut->set("k", "new")); }, "new"},
    {"set of the same value",
     [](fixture& f) { REQUIRE(f.uut->set("k", "old")); }, "old"},
    {"set, later",
     [](fixture& f) { REQUIRE(set_async(*f.uut, "k", "new").get()); }, "new"},
    {"set if absent",
     [](fixture& f) { REQUIRE(f.uut->set_if_absent("k", "new") == true); },
     "new"},
    {"set if absent, later",
     [](fixture& f) {
       REQUIRE(set_if_absent_async(*f.uut, "k", "new").get() == true);
     },
     "new"},
    {"set many", set_beside, "new"},
    {"compare and set",
     [](fixture& f) {
       REQUIRE(f.uut->compare_and_set("k", no_version, "new")->has_value());
     },
     "new"},
    {"erase", [](fixture& f) { REQUIRE(f.uut->erase("k") == false); },
     "<none>"},
    {"erase, later",
     [](fixture& f) { REQUIRE(erase_async(*f.uut, "k").get() == false); },
     "<none>"},
    {"set and erase",
     [](fixture& f) {
       REQUIRE(f.uut->set("k", "new"));
       REQUIRE(f.uut->erase("k") == true);
     },
     "<none>"},
    {"increment", [](fixture& f) { REQUIRE(f.uut->increment("k") == 1); }, "1"},
    {"increment, later",
     [](fixture& f) { REQUIRE(increment_async(*f.uut, "k").get() == 1); }, "1"},
    {"update", [](fixture& f) { update_to(f, "new"); }, "new"},
    {"update, later",
     [](fixture& f) {
       REQUIRE(
         update_async(*f.uut, "k", [](auto) { return bytes{"new"}; }).get());
     },
     "new"},
    {"transform that stores",
     [](fixture& f) { transform_to(f, edit::store("new")); }, "new"},
    {"transform that appends",
     [](fixture& f) { transform_to(f, edit::append("new")); }, "new"},
    {"transform that erases",
     [](fixture& f) { transform_to(f, edit::erase()); }, "<none>"},
    {"clear", [](fixture& f) { REQUIRE(f.uut->clear()); }, "<none>"},
    {"set and clear",
     [](fixture& f) {
       REQUIRE(f.uut->set("k", "new"));
       REQUIRE(f.uut->clear());
     },
     "<none>"},
  };
  return all;
}

/// All that change nothing about the key.
const std::vector<event>& harmless() {
  static const std::vector<event> all{
    {"nothing", [](fixture&) {}, ""},
    {"read", [](fixture& f) { REQUIRE(f.get("k") == "<none>"); }, ""},
    {"touch", [](fixture& f) { REQUIRE(f.uut->touch("k", 1h) == false); }, ""},
    {"touch, later",
     [](fixture& f) { REQUIRE(touch_async(*f.uut, "k", 1h).get() == false); },
     ""},
    {"set if present",
     [](fixture& f) {
       REQUIRE(f.uut->set("k", "new", when(write_condition::if_present))
               == false);
     },
     ""},
    {"compare and set of another version",
     [](fixture& f) {
       REQUIRE(f.uut->compare_and_set("k", 7, "new") == std::nullopt);
     },
     ""},
    {"compare and erase of another version",
     [](fixture& f) { REQUIRE(f.uut->compare_and_erase("k", 7) == false); },
     ""},
    {"transform that keeps", [](fixture& f) { transform_to(f, edit::keep()); },
     ""},
    {"update that fails",
     [](fixture& f) {
       REQUIRE(f.uut
                 ->update("k",
                          [](auto) -> loaded {
                            return fail(errc::update_failed, "no");
                          })
                 .error()
               == errc::update_failed);
     },
     ""},
    {"bad input",
     [](fixture& f) {
       REQUIRE(f.uut->set("k", "new", {.ttl = 0ms}).error()
               == errc::invalid_argument);
     },
     ""},
    {"a change of another key",
     [](fixture& f) { REQUIRE(f.uut->set("other", "1")); }, ""},
    {"an erase of another key",
     [](fixture& f) { REQUIRE(f.uut->erase("other")); }, ""},
    {"another tag", [](fixture& f) { REQUIRE(f.uut->invalidate_tag("blue")); },
     ""},
  };
  return all;
}

} // namespace

PROVIDER_CASE("a load in flight is not stored after a change of its key",
              "[loads][G3]") {
  const auto number = GENERATE(range(std::size_t{0}, voiding().size()));
  const auto& x = voiding().at(number);
  INFO(x.name);
  fixture f{kind};
  slow_load first{f};
  first.begin();
  x.happens(f);
  CHECK(f.get("k") == x.leaves);
  CHECK(f.loads->list(10).first.at(0).fenced);
  if (f.get("k") == "<none>") {
    // Those who read from now on load anew, while the other still runs.
    const auto later = GENERATE(false, true);
    CHECK((later ? get_or_set_async(*f.uut, "k", bring("fresh")).get()
                 : f.uut->get_or_set("k", bring("fresh")))
          == "fresh");
    CHECK(first.value() == "old");
    await_no_load(f);
    CHECK(f.get("k") == "fresh");
  } else {
    const auto before = look_at(*f.uut, "k");
    CHECK(first.value() == "old");
    await_no_load(f);
    CHECK(look_at(*f.uut, "k") == before);
  }
}

PROVIDER_CASE("a load in flight that was voided leaves an absent key absent",
              "[loads][G3]") {
  const auto number = GENERATE(range(std::size_t{0}, voiding().size()));
  const auto& x = voiding().at(number);
  INFO(x.name);
  fixture f{kind};
  slow_load first{f};
  first.begin();
  x.happens(f);
  CHECK(first.value() == "old");
  await_no_load(f);
  CHECK(f.get("k") == x.leaves);
  // Nor has it left a lease behind.
  REQUIRE(f.uut->erase("k"));
  CHECK(f.uut->get_or_set("k", bring("next")) == "next");
  CHECK(f.get("k") == "next");
}

PROVIDER_CASE("what changes nothing about a key lets its load be stored",
              "[loads][G3]") {
  const auto number = GENERATE(range(std::size_t{0}, harmless().size()));
  const auto& x = harmless().at(number);
  INFO(x.name);
  fixture f{kind};
  slow_load first{f};
  first.begin(say_red);
  x.happens(f);
  CHECK_FALSE(f.loads->list(10).first.at(0).fenced);
  auto joined = get_or_set_async(*f.uut, "k", bring("not run"));
  await_waiters(f, 2);
  CHECK(first.value() == "old");
  CHECK(joined.get() == "old");
  await_no_load(f);
  CHECK(f.get("k") == "old");
}

PROVIDER_CASE("a load in flight when its region stops is not stored",
              "[loads][G3][stopped]") {
  fixture f{kind};
  slow_load first{f};
  first.begin();
  auto joined = get_or_set_async(*f.uut, "k", bring("not run"));
  await_waiters(f, 2);
  f.uut->stop();
  CHECK(code_of(f.uut->get("k")) == errc::shutting_down);
  CHECK(code_of(f.uut->get_or_set("k", bring("x"))) == errc::shutting_down);
  // Those that wait hear of it, or are given the value; they do not hang.
  auto fine = [](const loaded& x) {
    return x == "old" || code_of(x) == errc::shutting_down;
  };
  CHECK(fine(first.value()));
  CHECK(fine(joined.get()));
  await_no_load(f);
  CHECK(code_of(f.uut->get("k")) == errc::shutting_down);
  CHECK(f.uut->size() == 0);
}

PROVIDER_CASE("erases that race a load never leave the loaded value behind",
              "[loads][G3]") {
  // `source` is the database. An invalidator changes it and then erases the
  // key; whatever a load read before that must not be there afterwards.
  const int rounds = kind.rounds(10'000);
  fixture f{kind};
  std::atomic<int> source{0};
  std::atomic<int> round{0};
  std::atomic<int> started{0};
  std::atomic<int> stale{0};
  std::jthread reader{[&](const std::stop_token& stop) {
    int seen = 0;
    while (!stop.stop_requested()) {
      auto now = round.load(std::memory_order_acquire);
      if (now == seen) {
        std::this_thread::yield();
        continue;
      }
      seen = now;
      started.store(now, std::memory_order_release);
      auto value = f.uut->get_or_set(
        "k", [&](load_context&) { return std::to_string(source.load()); });
      if (!value)
        ++stale;
    }
  }};
  std::minstd_rand random{5};
  for (int i = 1; i <= rounds; ++i) {
    round.store(i, std::memory_order_release);
    eventually([&] { return started.load(std::memory_order_acquire) == i; });
    // Meet the load in all its stages.
    for (auto n = random() % 2'000; n > 0; --n)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    source.store(i);
    switch (i % 3) {
      case 0:
        if (!f.uut->erase("k"))
          ++stale;
        break;
      case 1:
        if (!f.uut->clear())
          ++stale;
        break;
      default:
        if (!f.uut->set("k", std::to_string(i)))
          ++stale;
    }
    // From here on, no value that was read before `source` changed may show.
    auto value = f.uut->get("k");
    if (!value || std::stoi(value->value_or(std::to_string(i))) < i)
      ++stale;
  }
  reader.request_stop();
  reader.join();
  auto last = f.uut->get("k");
  REQUIRE(last);
  CHECK(std::stoi(last->value_or(std::to_string(rounds))) == rounds);
  CHECK(stale == 0);
}

PROVIDER_CASE(
  "no value that was read before an invalidation of its tag shows after it",
  "[loads][tags][G3]") {
  // As above, by tags: those that the caller names, or that the loader says before or
  // after it reads the database.
  const int rounds = kind.rounds(1'000);
  const auto says = GENERATE(0, 1, 2);
  fixture f{kind};
  std::atomic<int> source{0};
  std::atomic<int> invalidated{0}; ///< All that is older than this.
  std::atomic<int> stale{0};
  write_options how;
  if (says == 0)
    how.tags = {"red"};
  auto read = [&] {
    const auto least = invalidated.load();
    const auto value = f.uut->get_or_set(
      "k",
      [&](load_context& context) -> loaded {
        if (says == 1)
          context.tag("red");
        const auto result = std::to_string(source.load());
        std::this_thread::yield();
        if (says == 2)
          context.tag("red");
        return result;
      },
      how);
    if (!value || std::stoi(**value) < least)
      ++stale;
  };
  busy_crew readers{2, [&](unsigned) { return read; }};
  for (int i = 1; i <= rounds; ++i) {
    source.store(i);
    if (!f.uut->invalidate_tag("red"))
      ++stale;
    invalidated.store(i);
    if (i % 16 == 0)
      std::this_thread::yield();
  }
  readers.await_rounds();
  readers.stop();
  CHECK(stale == 0);
}

PROVIDER_CASE("a clear keeps a load in flight from being stored",
              "[loads][G3]") {
  fixture f{kind};
  auto value = f.uut->get_or_set("a", [&](load_context&) {
    CHECK(f.uut->clear());
    return expected<bytes>{"loaded"};
  });
  CHECK(value == bytes{"loaded"});
  CHECK(f.get("a") == "<none>");
}

PROVIDER_CASE("an invalidated tag keeps a load in flight from being stored",
              "[loads][tags][G3]") {
  fixture f{kind};
  auto value = f.uut->get_or_set("a", [&](load_context& context) {
    context.tag("red");
    CHECK(f.uut->invalidate_tag("red"));
    return expected<bytes>{"loaded"};
  });
  CHECK(value == bytes{"loaded"});
  CHECK(f.get("a") == "<none>");
  value = f.uut->get_or_set(
    "a", [&](load_context&) { return expected<bytes>{"again"}; },
    tagged({"red"}));
  CHECK(value == bytes{"again"});
  CHECK(f.get("a") == "again");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("a") == "<none>");
}

PROVIDER_CASE(
  "one that asks after a tag was invalidated does not join an older load",
  "[loads][tags][G3]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  slow_load first{f};
  SECTION("the caller named the tag") {
    first.begin(slow_load::nothing, slow_load::nothing, tagged({"red"}));
  }
  SECTION("the loader has named it") {
    first.begin(say_red);
  }
  SECTION("it has several") {
    first.begin(say_red, slow_load::nothing, tagged({"blue", "green"}));
  }
  REQUIRE(f.uut->invalidate_tag("red"));
  // Loads at once, while the other still runs.
  CHECK((later ? get_or_set_async(*f.uut, "k", bring("new")).get()
               : f.uut->get_or_set("k", bring("new")))
        == "new");
  CHECK(f.get("k") == "new");
  CHECK(first.value() == "old");
  await_no_load(f);
  CHECK(f.get("k") == "new");
}

PROVIDER_CASE(
  "one that joined a load which turns out to be older than an invalidation "
  "is answered by another one",
  "[loads][tags][G3]") {
  fixture f{kind};
  slow_load first{f};
  first.begin(slow_load::nothing, say_red);
  auto before = get_or_set_async(*f.uut, "k", bring("not run"));
  await_waiters(f, 2);
  REQUIRE(f.uut->invalidate_tag("red"));
  auto after = get_or_set_async(*f.uut, "k", bring("new"));
  await_waiters(f, 3);
  SECTION("nothing else comes") {
    first.let_go();
  }
  SECTION("another invalidation comes") {
    REQUIRE(f.uut->invalidate_tag("red"));
    first.let_go();
  }
  CHECK(first.value() == "old");
  CHECK(before.get() == "old");
  CHECK(after.get() == "new");
  CHECK(f.get("k") == "new");
}

PROVIDER_CASE("one that asks after another tag was invalidated joins the load",
              "[loads][tags][G3]") {
  fixture f{kind};
  slow_load first{f};
  first.begin(say_red);
  REQUIRE(f.uut->invalidate_tag("blue"));
  auto joined = get_or_set_async(*f.uut, "k", bring("not run"));
  await_waiters(f, 2);
  first.let_go();
  CHECK(joined.get() == "old");
  CHECK(first.value() == "old");
  CHECK(f.get("k") == "old");
}
