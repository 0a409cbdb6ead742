#pragma once

// The callers of loads: threads that wait, and calls that do not.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/backends/core/futex.hpp>

namespace troupe {

class load_coordinator;

/// A thread that waits for a load. Its functions other than `wait` are called at most
/// once in all.
class blocked_caller final : public load_waiter {
public:
  blocked_caller(const load_function& own_loader, const write_options& own_how,
                 load_on place)
    : load_waiter(own_loader, own_how), runs_itself_(place == load_on::caller) {
    // nop
  }

  void answer(const load_answer& what) override {
    answer_ = what;
    wake(state::answered);
  }

  void ask_again(load_in_flight&) override {
    wake(state::again);
  }

  [[nodiscard]] bool runs_itself() const noexcept override {
    return runs_itself_;
  }

  void take(const std::shared_ptr<load_in_flight>& x,
            const std::shared_ptr<load_run>& run) override {
    taken_ = x;
    run_ = run;
    wake(state::invited);
  }

  enum class state : std::uint32_t { waiting, answered, again, invited };

  /// Waits for one of the other functions; `waiting` when that takes longer.
  [[nodiscard]] state wait(std::chrono::nanoseconds longest) const {
    constexpr auto none = static_cast<std::uint32_t>(state::waiting);
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
      if (const auto now = word_.load(std::memory_order_acquire); now != none)
        return static_cast<state>(now);
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds::zero())
        return state::waiting;
      if (!futex_wait(word_, none, left))
        return static_cast<state>(word_.load(std::memory_order_acquire));
    }
  }

  [[nodiscard]] load_answer& answer() noexcept {
    return answer_;
  }

  [[nodiscard]] const std::shared_ptr<load_in_flight>& taken() const noexcept {
    return taken_;
  }

  [[nodiscard]] const std::shared_ptr<load_run>& run() const noexcept {
    return run_;
  }

private:
  void wake(state to) noexcept {
    word_.store(static_cast<std::uint32_t>(to), std::memory_order_release);
    futex_wake_one(&word_);
  }

  const bool runs_itself_;
  futex_word word_{0};
  load_answer answer_;
  std::shared_ptr<load_in_flight> taken_;
  std::shared_ptr<load_run> run_;
};

/// A caller that does not wait.
class later_caller final : public load_waiter {
public:
  later_caller(std::shared_ptr<load_coordinator> by, load_function own_loader,
               write_options own_how, load_terms terms,
               std::function<void(const load_answer&)> done)
    : load_waiter(std::move(own_loader), std::move(own_how)),
      by_(std::move(by)),
      terms_(std::move(terms)),
      done_(std::move(done)) {
    // nop
  }

  void answer(const load_answer& what) override {
    done_(what);
  }

  void ask_again(load_in_flight& joined) override;

  /// Leaves `from` when its caller wants no result any more. Must be called once, without
  /// a lock.
  static void leave_when_stopped(const std::shared_ptr<later_caller>& self,
                                 const std::shared_ptr<load_in_flight>& from);

private:
  const std::shared_ptr<load_coordinator> by_;
  const load_terms terms_;
  const std::function<void(const load_answer&)> done_;
  std::optional<std::stop_callback<std::function<void()>>> stopped_;
};

} // namespace troupe
