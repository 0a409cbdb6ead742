#include "histories/rounds.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "histories/client.hpp"
#include "histories/session.hpp"

namespace histories {

namespace {

using steady = std::chrono::steady_clock;

constexpr auto progress_period = std::chrono::seconds{5};

/// Manual time moves by so much at a time, and so often, in percent of the calls of
/// the one thread that moves it.
constexpr std::size_t longest_step_ms = 3;
constexpr unsigned step_percent = 4;

/// With stale values, so that many entries are not replaced before they expire.
constexpr unsigned stale_step_percent = 20;

constexpr unsigned housekeeping_percent = 3;

/// One region, until its share of the calls is made.
class run_of_region {
public:
  run_of_region(const options& how, std::size_t shards, bool limited,
                bool stale, std::uint64_t seed, std::uint64_t calls,
                steady::time_point deadline)
    : how_(how),
      shards_(shards),
      calls_(calls),
      deadline_(deadline),
      session_(how, shards, limited, stale, seed),
      gate_(static_cast<std::ptrdiff_t>(how.threads + 1)) {
    // nop
  }

  /// False after a violation.
  bool run() {
    std::vector<std::thread> threads;
    threads.reserve(how_.threads);
    for (std::size_t i = 0; i < how_.threads; ++i)
      threads.emplace_back([this, i] { work(i); });
    const auto start = steady::now();
    auto next_progress = start + progress_period;
    for (;;) {
      // Each region makes one round at least.
      more_ = made_ < calls_ && !session_.failed()
              && (made_ == 0 || steady::now() < deadline_);
      gate_.arrive_and_wait(); // The round begins, or all end.
      if (!more_)
        break;
      gate_.arrive_and_wait(); // All calls are made.
      session_.settle();
      gate_.arrive_and_wait(); // No load is in flight.
      gate_.arrive_and_wait(); // All keys are judged.
      made_ += round() * how_.threads;
      session_.log.clear();
      if (!session_.failed())
        session_.validate();
      if (steady::now() >= next_progress) {
        print("...", steady::now() - start);
        next_progress = steady::now() + progress_period;
      }
    }
    for (auto& x : threads)
      x.join();
    if (!session_.failed())
      session_.validate();
    print(session_.failed() ? "VIOLATION"
          : made_ < calls_  ? "ok, ended by --seconds"
                            : "ok",
          steady::now() - start);
    print_loads();
    if (session_.failed()) {
      auto& found = session_.found();
      std::printf("\nViolation: %s\n  Seed: %llu\n%s\n", found.rule.c_str(),
                  static_cast<unsigned long long>(session_.seed),
                  found.text.c_str());
    }
    std::fflush(stdout);
    return !session_.failed();
  }

  [[nodiscard]] std::uint64_t made() const noexcept {
    return made_;
  }

private:
  /// Calls of one thread in the present round.
  [[nodiscard]] std::size_t round() const noexcept {
    const auto left = calls_ > made_ ? calls_ - made_ : 0;
    return std::min(how_.round, static_cast<std::size_t>(
                                  (left + how_.threads - 1) / how_.threads));
  }

  void work(std::size_t index) {
    client self{session_, session_.seed * 1'000 + index};
    dice chance{session_.seed * 1'000 + 500 + index};
    for (;;) {
      gate_.arrive_and_wait();
      if (!more_)
        return;
      for (auto i = round(); i > 0 && !session_.failed(); --i) {
        if (index == 0)
          keep_time(chance);
        self.step();
      }
      self.collect();
      gate_.arrive_and_wait();
      gate_.arrive_and_wait();
      for (auto i = index; i < how_.keys; i += how_.threads)
        if (!session_.failed())
          session_.check(i);
      gate_.arrive_and_wait();
    }
  }

  void keep_time(dice& chance) {
    if (chance.percent(session_.stale ? stale_step_percent : step_percent))
      session_.clock.advance(
        std::chrono::milliseconds{1 + chance.below(longest_step_ms)});
    if (chance.percent(housekeeping_percent))
      session_.housekeep();
  }

  /// How often what was tried, so that a run that tries nothing is noticed.
  void print_loads() const {
    const auto number = [](const std::atomic<std::uint64_t>& x) {
      return static_cast<unsigned long long>(x.load());
    };
    const auto& x = session_.answered;
    std::printf("%12sloads: %llu hits, %llu loaded, %llu joined, %llu stale, "
                "%llu fenced, %llu nothing; %llu runs of loaders\n",
                "", number(x.hit), number(x.loaded), number(x.joined),
                number(x.stale), number(x.fenced), number(x.nothing),
                number(x.runs));
  }

  void print(const char* end, steady::duration took) const {
    const auto seconds = std::chrono::duration<double>(took).count();
    const auto name
      = how_.plain ? "plain" : std::to_string(shards_) + " shards";
    std::printf("%10s, %-9s %-6s %12llu of %llu operations, %9.0f per s  %s\n",
                name.c_str(), session_.limited ? "limits" : "no limit",
                session_.stale ? "stale" : "",
                static_cast<unsigned long long>(made_),
                static_cast<unsigned long long>(calls_),
                static_cast<double>(made_) / std::max(seconds, 1e-9), end);
    std::fflush(stdout);
  }

  const options& how_;
  const std::size_t shards_;
  const std::uint64_t calls_;
  const steady::time_point deadline_;
  session session_;
  std::barrier<> gate_;
  // Written by the thread that runs the rounds, between two barriers.
  std::uint64_t made_ = 0;
  bool more_ = false;
};

} // namespace

int run(const options& how) {
  auto seed = how.seed;
  if (seed == 0)
    seed = static_cast<std::uint64_t>(
             std::chrono::system_clock::now().time_since_epoch().count() / 1000)
           % 1'000'000'000;
  const auto deadline = how.seconds == 0
                          ? steady::time_point::max()
                          : steady::now() + std::chrono::seconds{how.seconds};
  std::printf("seed %llu, %zu threads, %zu keys\n",
              static_cast<unsigned long long>(seed), how.threads, how.keys);
  const auto regions = how.shards.size()
                       * (std::size_t{how.unlimited} + std::size_t{how.limited})
                       * (std::size_t{how.strict} + std::size_t{how.stale});
  const auto calls = std::max<std::uint64_t>(how.operations / regions, 1);
  std::uint64_t made = 0;
  for (auto shards : how.shards)
    for (auto limited : {false, true})
      for (auto stale : {false, true}) {
        if ((limited ? !how.limited : !how.unlimited)
            || (stale ? !how.stale : !how.strict))
          continue;
        run_of_region here{how, shards, limited, stale, seed, calls, deadline};
        if (!here.run())
          return 1;
        made += here.made();
      }
  std::printf("%llu operations without a violation\n",
              static_cast<unsigned long long>(made));
  return 0;
}

} // namespace histories
