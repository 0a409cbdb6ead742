#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <troupe/backends/core/futex.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::testing::detail {

/// A task of a schedule; its state belongs to the thread with the baton.
struct simulated_task {
  enum class phase : std::uint8_t {
    fresh,   ///< Its thread was not started.
    ready,   ///< It runs, or can run.
    waiting, ///< For what the members of the wait say.
    ended,
  };

  simulated_task(std::string own_name, std::function<void()> own_body,
                 bool serves)
    : name(std::move(own_name)), body(std::move(own_body)), daemon(serves) {
    // nop
  }

  const std::string name;
  std::function<void()> body;
  /// It serves the other tasks, and does not keep the run from ending while it is idle.
  const bool daemon;
  /// Of a daemon: whether it has work.
  std::function<bool()> due;

  phase now = phase::fresh;
  bool idle = false; ///< Of a daemon.

  // Of a wait. It ends with any of them.
  const futex_word* word = nullptr;
  std::uint32_t value = 0; ///< The word's, while the wait lasts.
  const std::function<bool()>* until_true = nullptr;
  time_point until = never;
  /// Whether the task itself chose `until`, so that the time that passes is no deadlock.
  bool sleeps = false;
  bool timed_out = false;
  std::string_view reason; ///< For reports.

  std::thread thread;
  std::condition_variable turn; ///< Signals that it has the baton.
};

} // namespace troupe::testing::detail
