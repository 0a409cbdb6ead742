// A program with a static runtime, which ends in the way that TROUPE_SCENE names;
// tests/exits.py starts it and looks at its exit code and at what it says.
//
// Static objects are made in the order of this file and destroyed in the opposite
// one: `late` ends before the runtime, `early` after it.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <caf/scoped_actor.hpp>

#include <unistd.h>

#include <troupe/troupe.hpp>

using namespace std::chrono_literals;

namespace {

bool scene(std::string_view name) {
  const auto* chosen = std::getenv("TROUPE_SCENE");
  return chosen != nullptr && name == chosen;
}

/// Set by the first destructor of all.
std::atomic<bool> ending{false};

bool refused(const auto& result) {
  return result.failed() && result.error() == troupe::errc::shutting_down;
}

troupe::expected<std::string> load(troupe::load_context&) {
  return std::string{"loaded"};
}

struct early_holder {
  std::optional<troupe::cache<std::string>> texts;

  ~early_holder() {
    if (!texts)
      return;
    const auto right = refused(texts->get("k")) && refused(texts->set("k", "w"))
                       && refused(texts->erase("k")) && refused(texts->ttl("k"))
                       && refused(texts->get_or_set("k", load))
                       && refused(texts->get_or_set("new", load));
    std::cout << (right ? "early: shutting_down" : "early: WRONG") << std::endl;
  }
};

struct scene_config : troupe::config {
  scene_config() {
    report
      = [](std::string_view line) { std::cerr << "troupe: " << line << '\n'; };
    set("scheduler.max-threads", std::size_t{2});
    if (scene("stuck-loader") || scene("exit-in-loader"))
      set("troupe.drain-deadline", caf::timespan{50ms});
    if (scene("published"))
      enable_remote();
  }
};

early_holder early;
scene_config cfg;
troupe::runtime run
  = scene("nothing") ? troupe::runtime{} : troupe::runtime{cfg};
std::optional<troupe::runtime> second;

struct late_holder {
  std::optional<troupe::cache<std::string>> texts;

  ~late_holder() {
    ending = true;
    if (texts) {
      auto found = texts->get("k");
      std::cout << (found && *found == "v" ? "late: v" : "late: WRONG")
                << std::endl;
    }
    if (scene("drained")) {
      auto report = run.drain();
      std::cout << "drained: " << report.stuck.size() << " stuck" << std::endl;
    }
  }
};

late_holder late;

// Before main: the key must be found there, by the same hash.
const auto stored_before_main = [] {
  if (scene("nothing"))
    return false;
  auto texts = run.open<std::string>("texts", {.ttl = 1h});
  return texts && texts->set("k", "v").ok();
}();

/// For the end of the process.
[[noreturn]] void wait_for_ever() {
  for (;;)
    pause();
}

void publish() {
  if (auto path = run.publish(); !path) {
    std::cerr << to_string(path.error()) << '\n';
    std::_Exit(1);
  }
}

void ask_an_actor(const troupe::cache<std::string>& texts) {
  caf::scoped_actor self{run.system()};
  self->request(texts.actor(), caf::infinite, troupe::get_request{"k"})
    .receive([](const troupe::get_reply&) {},
             [](const caf::error&) { std::cout << "WRONG" << std::endl; });
}

/// Reads and writes until the end has come, and a little longer.
void start_busy_threads(const troupe::cache<std::string>& texts) {
  static std::atomic<int> busy{0};
  for (int t = 0; t < 2; ++t)
    std::thread{[mine = texts]() mutable {
      for (;;) {
        auto got = mine.get("k");
        auto set = mine.set("other", "v");
        ++busy;
        if (refused(got) && refused(set))
          return;
      }
    }}.detach();
  while (busy < 10)
    std::this_thread::yield();
}

} // namespace

int main() {
  if (scene("nothing"))
    return 0;
  auto opened = run.open<std::string>("texts");
  auto texts = opened.value();
  if (!stored_before_main || texts.get("k").value() != "v") {
    std::cerr << "what was stored before main is not there\n";
    return 1;
  }
  for (int i = 0; i < 1'000; ++i)
    static_cast<void>(texts.set(std::to_string(i), "v"));
  if (scene("early-handle"))
    early.texts = texts;
  if (scene("late-handle"))
    late.texts = texts;
  if (scene("two-runtimes"))
    early.texts = second.emplace().open<std::string>("texts").value();
  if (scene("load-in-flight"))
    // It ends only when the end of the process has begun.
    static_cast<void>(texts.get_or_set_async("slow", [](troupe::load_context&) {
      while (!ending)
        std::this_thread::yield();
      return std::string{"v"};
    }));
  if (scene("stuck-loader"))
    static_cast<void>(texts.get_or_set_async(
      "slow", [](troupe::load_context&) -> std::string { wait_for_ever(); }));
  if (scene("messages"))
    ask_an_actor(texts);
  if (scene("published"))
    publish();
  if (scene("busy-threads"))
    start_busy_threads(texts);
  if (scene("exit-in-main"))
    std::exit(0);
  if (scene("exit-in-thread")) {
    std::thread{[&] {
      static_cast<void>(texts.get("k"));
      std::exit(0);
    }}.detach();
    wait_for_ever();
  }
  if (scene("exit-in-loader")) {
    static_cast<void>(texts.get_or_set_async("slow", [](troupe::load_context&) {
      std::exit(0);
      return std::string{"v"};
    }));
    wait_for_ever();
  }
  std::cout << "main ends" << std::endl;
}
