// Messages that nobody takes, and who is told of them.

#include <troupe/actors/shell/detail/unexpected.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <troupe/messages/types/text/printable.hpp>

#include "actors/fixture.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct lines {
  std::mutex mutex;
  std::vector<std::string> all;

  [[nodiscard]] runtime_options options() {
    runtime_options result;
    result.report = [this](std::string_view line) {
      std::lock_guard guard{mutex};
      all.emplace_back(line);
    };
    return result;
  }

  [[nodiscard]] std::vector<std::string> told() {
    std::lock_guard guard{mutex};
    return all;
  }
};

bool is_printable(const std::string& line) {
  return std::all_of(line.begin(), line.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

} // namespace

TEST_CASE("a message that no actor takes is told in one short line of ASCII") {
  for (const auto asks_region : {true, false}) {
    INFO(asks_region);
    lines said;
    runtime_fixture f{said.options()};
    REQUIRE(f.open("db0"));
    const auto begin = std::chrono::steady_clock::now();
    const auto target = asks_region
                          ? caf::actor_cast<caf::actor>(*f.uut->actor("db0"))
                          : caf::actor_cast<caf::actor>(f.uut->supervisor());
    caf::anon_send(target, "\x1b[31m\r\nred\a\xff" + std::string(1 << 20, 'x'));
    eventually([&] { return said.told().size() == 1; });
    const auto line = said.told().front();
    CHECK(line.size() < 400);
    CHECK(is_printable(line));
    CHECK(line.find("does not take this message") != std::string::npos);
    CHECK(line.find("\\x1b[31m") != std::string::npos);
    // Many are not told one by one, but a line a second.
    for (int i = 0; i < 100; ++i)
      caf::anon_send(target, std::string{"again"});
    // Its mailbox is in order.
    CHECK(f.row("db0").kind == "region");
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(
      std::chrono::steady_clock::now() - begin);
    CHECK(said.told().size() <= static_cast<std::size_t>(seconds.count()) + 1);
  }
}

namespace {

/// Reports everything that it does not take.
caf::behavior deaf(caf::event_based_actor* self) {
  detail::report_unexpected(*self);
  return {[](int) {}};
}

} // namespace

TEST_CASE("a runtime without a report leaves the reports to the next one") {
  caf::actor_system_config cfg;
  caf::actor_system system{cfg};
  lines said;
  const detail::unexpected_reports silent{system, nullptr};
  const detail::unexpected_reports heard{system, said.options().report};
  const auto target = system.spawn(deaf);
  caf::anon_send(target, std::string{"what"});
  eventually([&] { return said.told().size() == 1; });
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
}

TEST_CASE("no report is under way when its runtime has ended") {
  caf::actor_system_config cfg;
  caf::actor_system system{cfg};
  const auto target = system.spawn(deaf);
  std::atomic<bool> begun{false};
  std::atomic<bool> over{false};
  auto uut = std::make_unique<detail::unexpected_reports>(
    system, [&](std::string_view) {
      begun = true;
      // Longer than it takes to end, if nothing waited.
      std::this_thread::sleep_for(50ms);
      over = true;
    });
  caf::anon_send(target, std::string{"what"});
  eventually([&] { return begun.load(); });
  uut.reset();
  CHECK(over);
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
}

TEST_CASE("text becomes printable") {
  using detail::printable;
  CHECK(printable("plain text") == "plain text");
  CHECK(printable(std::string_view{"\0\x7f\xe2", 3}) == "\\x00\\x7f\\xe2");
  CHECK(printable(std::string(200, 'x')) == std::string(200, 'x'));
  CHECK(printable(std::string(201, 'x')) == std::string(200, 'x') + "...");
}
