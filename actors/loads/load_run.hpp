#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

class load_edge;

/// One attempt of a load: one run of one caller's loader. The thread that runs the
/// loader and the coordinator share it. Thread-safe, unless a member says otherwise.
class load_run {
public:
  load_run(std::uint32_t attempt, time_point queued_until)
    : attempt_(attempt), queued_until_(queued_until) {
    // nop
  }

  /// 1 for the first run of a load.
  [[nodiscard]] std::uint32_t attempt() const noexcept {
    return attempt_;
  }

  /// When the wait for a thread ends.
  [[nodiscard]] time_point queued_until() const noexcept {
    return queued_until_;
  }

  /// Begins the run, which has to end at `deadline`. False when it was withdrawn or
  /// another thread has begun it.
  [[nodiscard]] bool begin(time_point deadline) noexcept {
    // A deadline that the run does not get is never read.
    if (phase_.load(std::memory_order_acquire) != phase::queued)
      return false;
    deadline_.store(deadline, std::memory_order_relaxed);
    auto before = phase::queued;
    return phase_.compare_exchange_strong(before, phase::running,
                                          std::memory_order_acq_rel);
  }

  /// Keeps the run from beginning; false when it has begun.
  bool withdraw() noexcept {
    auto before = phase::queued;
    return phase_.compare_exchange_strong(before, phase::withdrawn,
                                          std::memory_order_acq_rel);
  }

  /// Whether it waits for a thread.
  [[nodiscard]] bool queued() const noexcept {
    return phase_.load(std::memory_order_acquire) == phase::queued;
  }

  /// When its time ends; nothing while it waits for a thread.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept {
    if (phase_.load(std::memory_order_acquire) != phase::running)
      return std::nullopt;
    return deadline_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::stop_token stop_token() const noexcept {
    return stop_.get_token();
  }

  /// Says to the loader that its result is no longer wanted.
  void stop() noexcept {
    stop_.request_stop();
  }

  /// The edge to the loads that this run's loader waits for; of load_graph.cpp alone,
  /// under its mutex.
  const load_edge* waits_for = nullptr;

private:
  enum class phase : std::uint8_t { queued, running, withdrawn };

  const std::uint32_t attempt_;
  const time_point queued_until_;
  std::atomic<phase> phase_{phase::queued};
  std::atomic<time_point> deadline_{never};
  std::stop_source stop_;
};

} // namespace troupe
