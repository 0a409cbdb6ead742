#pragma once

#include <chrono>

namespace troupe::net {

/// How long one turn of a connection has taken. The clock starts at the first question,
/// so that a turn of few commands asks none. Not thread-safe: belongs to a client.
class turn_clock {
public:
  using clock = std::chrono::steady_clock;

  /// The next question starts it again.
  void reset() noexcept {
    begun_ = {};
  }

  /// When the turn has taken so long.
  [[nodiscard]] clock::time_point end(clock::time_point now,
                                      clock::duration most) noexcept {
    if (begun_ == clock::time_point{})
      begun_ = now;
    return begun_ + most;
  }

  /// Whether the turn has taken so long.
  [[nodiscard]] bool over(clock::duration most) noexcept {
    const auto now = clock::now();
    return now >= end(now, most);
  }

private:
  clock::time_point begun_{};
};

} // namespace troupe::net
