#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include <troupe/messages/types/breaker.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// A circuit breaker (M. Nygard, "Release It!"): it keeps loads from a source that is down.
/// Thread-safe; each call takes constant time.
class circuit_breaker {
public:
  explicit circuit_breaker(breaker_options options) noexcept
    : options_(std::move(options)) {
    // nop
  }

  /// Whether a load may run now. After true, `succeeded`, `failed` or `unknown` must
  /// follow.
  [[nodiscard]] bool allow(time_point now) noexcept;

  void succeeded() noexcept;
  void failed(time_point now) noexcept;

  /// The load ended without an answer of the source: it was cancelled, say.
  void unknown() noexcept;

  [[nodiscard]] const breaker_options& options() const noexcept {
    return options_;
  }

  /// Throws std::bad_alloc.
  [[nodiscard]] breaker_view view(time_point now) const;

private:
  const breaker_options options_;
  mutable std::mutex mutex_;
  breaker_state state_ = breaker_state::closed;
  std::uint32_t failures_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t refused_ = 0;
  time_point open_until_{};
};

} // namespace troupe
