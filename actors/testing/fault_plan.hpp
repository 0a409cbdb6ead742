#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <troupe/actors/testing/provider_guard.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::testing {

/// Which calls of a provider fail, or take longer.
struct fault {
  /// Empty: every operation.
  std::optional<provider_operation> on = std::nullopt;

  /// The key, or the tag, of the calls. Empty: any.
  std::string key = {};

  /// So many matching calls are left alone first.
  std::uint64_t skip = 0;

  /// So many calls are hit; 0: all that follow.
  std::uint64_t times = 1;

  /// The share of the matching calls that is hit, 1 to 100.
  unsigned percent = 100;

  /// How long a call waits before it takes effect or fails. Not negative.
  std::chrono::nanoseconds delay{0};

  /// What the call returns; without it the call is only delayed.
  std::optional<error> fails = std::nullopt;
};

/// A list of faults, as a guard of a provider. Each call meets the first fault that
/// matches it and is not used up. A plan is used by itself (`guarded_factory`) or
/// through a simulation (`simulation::faults`), which waits in virtual time. Thread-safe.
class fault_plan final : public provider_guard {
public:
  /// What happens to one call.
  struct verdict {
    std::chrono::nanoseconds delay{0};
    std::optional<error> fails = std::nullopt;
  };

  /// `sleep` makes the delays; empty: they take real time. `seed` decides about shares.
  explicit fault_plan(std::uint64_t seed = 1,
                      std::function<void(std::chrono::nanoseconds)> sleep = {});

  /// Errors: `invalid_argument`, for a share outside of 1 to 100 or a negative delay.
  expected<void> add(fault x);

  /// Forgets all faults.
  void clear();

  /// Calls that were hit so far.
  [[nodiscard]] std::uint64_t hits() const noexcept {
    return hits_.load(std::memory_order_relaxed);
  }

  /// Decides about a call, and counts it.
  [[nodiscard]] verdict decide(const provider_call& what);

  expected<void> before(const provider_call& what) override;

  void after(const provider_call&) override {
    // nop
  }

private:
  struct planned {
    fault what;
    std::uint64_t left = 0; ///< To be hit; unused when `what.times` is 0.
  };

  const std::function<void(std::chrono::nanoseconds)> sleep_;
  std::atomic<std::uint64_t> hits_{0};
  /// Most calls find no fault at all.
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::vector<planned> faults_;
  std::minstd_rand random_;
};

} // namespace troupe::testing
