// Calls with a completion: their order, and that each is completed once.

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/regions/stand_alone.hpp>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Counts how often each of some completions is called. Lives as long as they do.
class calls {
public:
  explicit calls(std::size_t n) : counts_(n) {
    // nop
  }

  /// The completion of number `i`.
  template <class T>
  static completion<T> of(const std::shared_ptr<calls>& all, std::size_t i) {
    return [all, i](expected<T>) { ++all->counts_[i]; };
  }

  [[nodiscard]] bool all_done() const {
    for (auto& x : counts_)
      if (x == 0)
        return false;
    return true;
  }

  [[nodiscard]] bool each_once() const {
    for (auto& x : counts_)
      if (x != 1)
        return false;
    return true;
  }

private:
  std::vector<std::atomic<int>> counts_;
};

carried_key key_of(std::string x) {
  return carried_key{std::move(x)};
}

/// Starts every kind of call with a completion; as many as it returns.
constexpr std::size_t kinds_of_calls = 9;

void start_all(region& x, const std::shared_ptr<calls>& done, std::size_t first,
               const std::string& key) {
  auto next = first;
  x.set_then(key_of(key), "1", {}, calls::of<bool>(done, next++));
  x.increment_then(key_of(key), 1, {}, calls::of<std::int64_t>(done, next++));
  x.touch_then(key_of(key), 1h, calls::of<bool>(done, next++));
  x.get_then(key_of(key), lookup::use,
             calls::of<std::optional<entry_copy>>(done, next++));
  x.compare_and_set_then(
    key_of(key), 7, "x", {},
    calls::of<std::optional<version_number>>(done, next++));
  x.compare_and_erase_then(key_of(key), 7, calls::of<bool>(done, next++));
  x.update_then(
    key_of(key), [](auto) -> loaded { return bytes{"2"}; }, {},
    calls::of<std::optional<bytes>>(done, next++));
  x.erase_then(key_of(key), calls::of<bool>(done, next++));
  x.get_or_set_then(key_of(key), bring("3"), {},
                    calls::of<std::optional<bytes>>(done, next++));
}

} // namespace

PROVIDER_CASE("a caller's calls for a key take effect in their order",
              "[completions][G1]") {
  fixture f{kind};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<expected<bool>>> written;
    std::future<expected<std::optional<entry_copy>>> read;
    for (int i = 0; i < 50; ++i) {
      written.push_back(set_async(*f.uut, "k", std::to_string(i)));
      read = future_of<std::optional<entry_copy>>(
        [&](auto done) { f.uut->get_then(key_of("k"), lookup::use, done); });
    }
    CHECK(read.get().value().value().value == "49");
    auto counted = increment_async(*f.uut, "k", 51);
    auto erased = erase_async(*f.uut, "k");
    auto anew = increment_async(*f.uut, "k", 7);
    CHECK(counted.get() == 100);
    CHECK(erased.get() == true);
    CHECK(anew.get() == 7);
    for (auto& x : written)
      CHECK(x.get() == true);
  }
}

PROVIDER_CASE(
  "a blocking change comes after those that its caller has begun before",
  "[completions][G1]") {
  fixture f{kind};
  for (int round = 0; round < 200; ++round) {
    auto first = set_async(*f.uut, "k", "1");
    CHECK(f.uut->increment("k") == 2);
    auto second = increment_async(*f.uut, "k", 10);
    CHECK(f.uut->set("k", "last") == true);
    CHECK(first.get() == true);
    CHECK(second.get() == 12);
    CHECK(f.get("k") == "last");
    auto third = erase_async(*f.uut, "k");
    CHECK(f.uut->set_if_absent("k", "anew") == true);
    CHECK(third.get() == true);
    auto fourth = set_async(*f.uut, "k", "1");
    CHECK(f.uut->transform("k", [](const entry_view*) -> expected<edit> {
      return edit::append("0");
    }));
    CHECK(fourth.get() == true);
    CHECK(f.get("k") == "10");
  }
}

PROVIDER_CASE(
  "a caller that stores without waiting finds that instead of loading",
  "[completions][loads]") {
  fixture f{kind};
  for (int i = 0; i < 200; ++i) {
    const auto key = std::to_string(i);
    auto stored = set_async(*f.uut, key, "stored");
    auto value = get_or_set_async(*f.uut, key, bring("loaded"));
    CHECK(value.get() == "stored");
    CHECK(stored.get() == true);
  }
}

PROVIDER_CASE("each call is completed once", "[completions]") {
  constexpr std::size_t rounds = 100;
  constexpr std::size_t threads = 3;
  fixture f{kind};
  auto done = std::make_shared<calls>(threads * rounds * kinds_of_calls);
  crew(threads, [&](int t) {
    for (std::size_t i = 0; i < rounds; ++i)
      start_all(*f.uut, done,
                (static_cast<std::size_t>(t) * rounds + i) * kinds_of_calls,
                std::to_string(i % 5));
  });
  eventually([&] { return done->all_done(); });
  await_no_load(f);
  CHECK(done->each_once());
}

PROVIDER_CASE("each call is completed once, the end of the region or not",
              "[completions][stopped]") {
  constexpr std::size_t rounds = 50;
  for (int run = 0; run < 5; ++run) {
    auto done = std::make_shared<calls>(rounds * kinds_of_calls);
    {
      fixture f{kind};
      for (std::size_t i = 0; i < rounds; ++i) {
        start_all(*f.uut, done, i * kinds_of_calls, std::to_string(i));
        if (i == rounds / 2)
          f.uut->stop();
      }
    }
    eventually([&] { return done->all_done(); });
    CHECK(done->each_once());
  }
}

PROVIDER_CASE("a region may go while calls of it are under way",
              "[completions]") {
  // The last handle may be that of a completion.
  constexpr std::size_t rounds = 50;
  fixture f{kind};
  for (int run = 0; run < 20; ++run) {
    auto done = std::make_shared<calls>(rounds);
    {
      auto opened = open_beside(f, "other");
      REQUIRE(opened);
      for (std::size_t i = 0; i < rounds; ++i)
        (*opened)->set_then(key_of(std::to_string(i)), "1", {},
                            calls::of<bool>(done, i));
    }
    eventually([&] { return done->all_done(); });
    CHECK(done->each_once());
  }
}

PROVIDER_CASE("a completion may begin other calls", "[completions]") {
  fixture f{kind};
  std::promise<expected<std::optional<entry_copy>>> made;
  f.uut->set_then(key_of("a"), "1", {}, [&](const expected<bool>&) {
    f.uut->increment_then(
      key_of("a"), 1, {}, [&](const expected<std::int64_t>&) {
        f.uut->set_then(key_of("b"), "x", {}, [&](const expected<bool>&) {
          f.uut->get_then(key_of("a"), lookup::use,
                          [&](expected<std::optional<entry_copy>> x) {
                            made.set_value(std::move(x));
                          });
        });
      });
  });
  CHECK(made.get_future().get().value().value().value == "2");
  CHECK(f.get("b") == "x");
}
