// Clearing a region and invalidating tags: at once, for all shards, and before
// every load in flight.

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

write_options tagged(std::initializer_list<bytes_view> names) {
  write_options result;
  result.tags = names;
  return result;
}

} // namespace

TEST_CASE("a tag takes all its entries with it", "[region][tags]") {
  region_fixture f;
  for (int i = 0; i < 100; ++i) {
    auto n = std::to_string(i);
    REQUIRE(f.uut->set("red:" + n, "x", tagged({"red"})));
    REQUIRE(f.uut->set("both:" + n, "x", tagged({"red", "blue"})));
    REQUIRE(f.uut->set("none:" + n, "x"));
  }
  CHECK(f.uut->invalidate_tag("blue"));
  CHECK(f.get("red:7") == "x");
  CHECK(f.get("both:7") == "<none>");
  CHECK(f.get("none:7") == "x");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.uut->invalidate_tag("nobody's"));
  CHECK(f.get("red:7") == "<none>");
  REQUIRE(f.uut->set("both:7", "new", tagged({"red", "blue"})));
  CHECK(f.get("both:7") == "new");
  for (int i = 0; i < 1'000 && f.uut->size() > 101; ++i)
    f.uut->tick();
  CHECK(f.uut->size() == 101);
}

TEST_CASE("tags stay with what is changed in place", "[region][tags]") {
  region_fixture f;
  REQUIRE(f.uut->set("n", "1", tagged({"red"})));
  CHECK(f.uut->increment("n") == 2);
  CHECK(f.uut->touch("n", std::chrono::hours{1}));
  CHECK(f.uut->touch("n", no_expiry));
  CHECK(f.uut->transform("n", [](const entry_view*) -> expected<edit> {
    return edit::replace("3");
  }));
  CHECK(f.get("n") == "3");
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("n") == "<none>");
  CHECK(f.uut->increment("n") == 1);
  REQUIRE(f.uut->set("n", "1", tagged({"red"})));
  REQUIRE(f.uut->set("n", "2"));
  CHECK(f.uut->invalidate_tag("red"));
  CHECK(f.get("n") == "2");
}

TEST_CASE("an entry has up to 1,024 tags, and the same one twice is one",
          "[region][tags]") {
  region_fixture f;
  write_options how;
  for (int twice = 0; twice < 2; ++twice)
    for (std::size_t i = 0; i < tags::most; ++i)
      how.tags.add(std::to_string(i));
  CHECK(how.tags.size() == tags::most);
  REQUIRE(f.uut->set("a", "x", how));
  CHECK(f.get("a") == "x");
  CHECK(f.uut->invalidate_tag(std::to_string(tags::most - 1)));
  CHECK(f.get("a") == "<none>");
  how.tags.add("one more");
  CHECK(f.uut->set("b", "x", how).error() == errc::invalid_argument);
  CHECK(f.get("b") == "<none>");
}

TEST_CASE("a tag of more than 64 KiB is refused", "[region][tags]") {
  region_fixture f;
  CHECK(f.uut->set("a", "x", tagged({std::string(tags::longest, 't')})));
  const std::string long_name(tags::longest + 1, 't');
  CHECK(f.uut->set("b", "x", tagged({long_name})).error()
        == errc::invalid_argument);
  CHECK(f.uut->invalidate_tag(long_name).error() == errc::invalid_argument);
  CHECK(f.get("a") == "x");
}

TEST_CASE("all tags of loader and caller count, each once", "[region][tags]") {
  region_fixture f;
  const auto of_loader = GENERATE(1, 14, 15, 100, 1'023);
  auto value = f.uut->get_or_set(
    "a",
    [&](load_context& context) -> expected<bytes> {
      for (int twice = 0; twice < 2; ++twice)
        for (int i = 0; i < of_loader; ++i)
          context.tag("loader's " + std::to_string(i));
      context.tag("caller's");
      return "loaded";
    },
    tagged({"caller's"}));
  REQUIRE(value == "loaded");
  CHECK(f.get("a") == "loaded");
  const auto name = GENERATE(0, 1, 2);
  CHECK(f.uut->invalidate_tag(name == 0 ? std::string{"caller's"}
                              : name == 1
                                ? std::string{"loader's 0"}
                                : "loader's " + std::to_string(of_loader - 1)));
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a loader with too many tags is told so", "[region][tags]") {
  region_fixture f;
  auto value = f.uut->get_or_set("a", [](load_context& context) {
    for (std::size_t i = 0; i <= tags::most; ++i)
      context.tag(std::to_string(i));
    return expected<bytes>{"loaded"};
  });
  CHECK(value.error() == errc::invalid_argument);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("unrelated invalidations take no entry along", "[region][tags]") {
  region_fixture f;
  constexpr int entries = 2'000;
  for (int i = 0; i < entries; ++i) {
    const auto n = std::to_string(i);
    REQUIRE(f.uut->set(n, "x", tagged({"a" + n, "b" + n, "all"})));
  }
  for (int i = 0; i < 65'536; ++i)
    REQUIRE(f.uut->invalidate_tag("other " + std::to_string(i)));
  int left = 0;
  for (int i = 0; i < entries; ++i)
    left += f.get(std::to_string(i)) == "x" ? 1 : 0;
  CHECK(left == entries);
  REQUIRE(f.uut->invalidate_tag("b7"));
  CHECK(f.get("7") == "<none>");
  CHECK(f.get("8") == "x");
  // What is said of the memory of names, and its bound.
  auto stats = f.uut->stats();
  CHECK(stats.tag_names >= 2 * entries + 1);
  CHECK(stats.tag_bytes >= 100 * stats.tag_names);
  REQUIRE(f.uut->clear());
  for (int i = 0; i < 1'000 && f.uut->stats().retired > 0; ++i)
    f.uut->tick();
  CHECK(f.uut->stats().tag_bytes
        <= memory::tag_registry::most_idle_bytes + 1'024);
}

TEST_CASE("an invalidated tag keeps a load in flight from being stored",
          "[region][tags]") {
  region_fixture f;
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

namespace {

/// A load of "k" that brings "old" and waits until it is let go.
class slow_load {
public:
  explicit slow_load(region_fixture& f) : f_(f) {
    // nop
  }

  /// Begins; `before` and `after` are called by the loader before and after it
  /// waits.
  void begin(std::function<void(load_context&)> before,
             std::function<void(load_context&)> after, write_options how = {}) {
    auto running = running_.get_future();
    value_ = get_or_set_async(
      *f_.uut, "k",
      [this, before, after](load_context& context) -> expected<bytes> {
        before(context);
        running_.set_value();
        go_on_.get_future().wait();
        after(context);
        return "old";
      },
      how);
    REQUIRE(running.wait_for(std::chrono::minutes{2})
            == std::future_status::ready);
  }

  void let_go() {
    go_on_.set_value();
  }

  expected<std::optional<bytes>> value() {
    return value_.get();
  }

private:
  region_fixture& f_;
  std::promise<void> running_;
  std::promise<void> go_on_;
  std::future<expected<std::optional<bytes>>> value_;
};

void say_nothing(load_context&) {
  // nop
}

void say_red(load_context& context) {
  context.tag("red");
}

} // namespace

TEST_CASE("who asks after a tag was invalidated does not join an older load",
          "[region][tags][loads]") {
  region_fixture f;
  slow_load first{f};
  SECTION("the caller named the tag") {
    first.begin(say_nothing, say_nothing, tagged({"red"}));
  }
  SECTION("the loader has named it") {
    first.begin(say_red, say_nothing);
  }
  REQUIRE(f.uut->invalidate_tag("red"));
  // Loads at once, while the other still runs.
  CHECK(f.uut->get_or_set("k", [](load_context&) { return "new"; }) == "new");
  CHECK(f.get("k") == "new");
  first.let_go();
  CHECK(first.value() == "old");
  CHECK(f.get("k") == "new");
}

TEST_CASE("who joined a load that turns out to be older than an invalidation "
          "is answered by another one",
          "[region][tags][loads]") {
  region_fixture f;
  slow_load first{f};
  first.begin(say_nothing, say_red);
  auto before
    = get_or_set_async(*f.uut, "k", [](load_context&) { return "not run"; });
  REQUIRE(f.uut->invalidate_tag("red"));
  auto after
    = get_or_set_async(*f.uut, "k", [](load_context&) { return "new"; });
  SECTION("nobody else comes") {
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

TEST_CASE("who asks after another tag was invalidated joins the load",
          "[region][tags][loads]") {
  region_fixture f;
  slow_load first{f};
  first.begin(say_red, say_nothing);
  REQUIRE(f.uut->invalidate_tag("blue"));
  auto joined
    = get_or_set_async(*f.uut, "k", [](load_context&) { return "not run"; });
  first.let_go();
  CHECK(joined.get() == "old");
  CHECK(first.value() == "old");
  CHECK(f.get("k") == "old");
}

TEST_CASE("what a function made of a value dies with it, also under its lease",
          "[region][tags][update]") {
  // Each run loses to another write, so the fifth holds the key's lease.
  region_fixture f;
  REQUIRE(f.uut->set("k", "0", tagged({"red"})));
  int runs = 0;
  write_options how;
  SECTION("it keeps the tags") {}
  SECTION("it names the tag again") {
    how.tags = {"red", "blue"};
  }
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
      if (++runs < 5)
        REQUIRE(f.uut->set("k", std::to_string(runs), tagged({"red"})));
      else
        REQUIRE(f.uut->invalidate_tag("red"));
      return bytes{"made of what is dead"};
    },
    how);
  CHECK(runs == 5);
  CHECK(made == "made of what is dead");
  CHECK(f.get("k") == "<none>");
}

TEST_CASE("a function whose result would outlive what it is made of is called "
          "again",
          "[region][tags][update]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "0", tagged({"red"})));
  int runs = 0;
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
      if (++runs < 5)
        REQUIRE(f.uut->set("k", std::to_string(runs), tagged({"red"})));
      else if (runs == 5)
        REQUIRE(f.uut->invalidate_tag("red"));
      return bytes{old ? "made of what is dead" : "made of nothing"};
    },
    tagged({"blue"}));
  CHECK(runs == 6);
  CHECK(made == "made of nothing");
  CHECK(f.get("k") == "made of nothing");
}

TEST_CASE("tags that an update gives count from when its result is stored",
          "[region][tags][update]") {
  // What the function was given lives on, for all to see: so the update comes after
  // the invalidation of a tag that was not there yet.
  region_fixture f;
  const auto last = GENERATE(1, 5);
  int runs = 0;
  auto made = f.uut->update(
    "k",
    [&](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
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

TEST_CASE(
  "an update under its lease that an erase overtook counts as before it, "
  "if the erase found what the update left",
  "[region][update]") {
  region_fixture f;
  int runs = 0;
  std::optional<bool> erased;
  const auto result = GENERATE(std::optional<bytes>{"made"},
                               std::optional<bytes>{std::nullopt});
  auto made = f.uut->update(
    "k", [&](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
      if (++runs < 5)
        REQUIRE(f.uut->set("k", std::to_string(runs)));
      else if (runs == 5)
        erased = f.uut->erase("k").value();
      return result;
    });
  CHECK(erased == true);
  REQUIRE(made);
  CHECK(*made == result);
  // The erase told that there was an entry: one that the update had left.
  CHECK(runs == (result ? 5 : 6));
  CHECK(f.get("k") == "<none>");
}

TEST_CASE("an update under its lease sees that the value expired",
          "[region][update]") {
  region_fixture f;
  int runs = 0;
  auto made = f.uut->update(
    "k", [&](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
      if (++runs < 5)
        REQUIRE(f.uut->set("k", "x", {.ttl = 10s}));
      else if (runs == 5)
        f.time.advance(11s);
      return bytes{old ? "made of the old one" : "made anew"};
    });
  CHECK(runs == 6);
  CHECK(made == "made anew");
  CHECK(f.get("k") == "made anew");
}

TEST_CASE("nothing survives the invalidation of what it was made of",
          "[region][tags][races]") {
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
       static_cast<void>(
         x.transform("k", [](const entry_view* seen) -> expected<edit> {
           return seen == nullptr ? edit::keep() : edit::replace(seen->value);
         }));
     }},
  };
  const auto which = GENERATE(range(0, 6));
  auto& [name, change_it] = changes.at(static_cast<std::size_t>(which));
  INFO(name);
  region_fixture f;
  constexpr int rounds = 5'000;
  std::atomic<bool> stop{false};
  std::vector<std::thread> changers;
  for (int t = 0; t < 3; ++t)
    changers.emplace_back([&, &run = change_it] {
      while (!stop)
        run(*f.uut);
    });
  int survived = 0;
  for (int i = 0; i < rounds; ++i) {
    CHECK(f.uut->set("k", "0", tagged({"red"})));
    if (i % 4 == 0)
      std::this_thread::yield();
    CHECK(f.uut->invalidate_tag("red"));
    survived += f.get("k") == "<none>" ? 0 : 1;
  }
  stop = true;
  for (auto& x : changers)
    x.join();
  CHECK(survived == 0);
}

TEST_CASE("an increment does not go on from a number that was invalidated",
          "[region][tags][races]") {
  region_fixture f;
  std::atomic<bool> stop{false};
  std::vector<std::thread> changers;
  for (int t = 0; t < 2; ++t)
    changers.emplace_back([&] {
      while (!stop)
        static_cast<void>(f.uut->increment("n"));
    });
  int survived = 0;
  for (int i = 0; i < 5'000; ++i) {
    CHECK(f.uut->set("n", "1000000000000", tagged({"red"})));
    CHECK(f.uut->invalidate_tag("red"));
    const auto n = f.get("n");
    survived += n != "<none>" && n.size() > 12 ? 1 : 0;
  }
  stop = true;
  for (auto& x : changers)
    x.join();
  CHECK(survived == 0);
}

TEST_CASE("a clear keeps a load in flight from being stored", "[region]") {
  region_fixture f;
  auto value = f.uut->get_or_set("a", [&](load_context&) {
    CHECK(f.uut->clear());
    return expected<bytes>{"loaded"};
  });
  CHECK(value == bytes{"loaded"});
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("nobody sees what was written before a clear or an invalidation",
          "[region][tags]") {
  // Each thread writes what only it writes, forgets it, and looks: whatever the
  // others do at the same time, its own value is gone.
  region_fixture f;
  constexpr unsigned keys = 64;
  constexpr unsigned rounds = 5'000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < rounds; ++i) {
        auto key = std::to_string((i * 7 + t) % keys);
        auto mine = std::to_string(t) + ":" + std::to_string(i);
        auto by_tag = (i + t) % 2 == 0;
        if (!f.uut->set(key, mine, tagged({"red"})))
          ++wrong;
        if (!(by_tag ? f.uut->invalidate_tag("red") : f.uut->clear()))
          ++wrong;
        auto found = f.uut->get(key);
        if (!found || (*found && **found == mine))
          ++wrong;
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(wrong == 0);
}
