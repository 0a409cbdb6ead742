#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <troupe/backends/figures.hpp>

namespace troupe::memory {

/// Counts for `jitter_counts`. Written by one thread at a time, read by any.
class jitter_histogram {
public:
  /// Counts an entry that was given `share` of its jitter, in [0, 1).
  void count(double share) noexcept {
    auto& slot
      = counts_[static_cast<std::size_t>(share * static_cast<double>(slots))
                % slots];
    // A single writer needs no locked instruction.
    slot.store(slot.load(std::memory_order_relaxed) + 1,
               std::memory_order_relaxed);
  }

  void add_to(jitter_counts& sum) const noexcept {
    for (std::size_t i = 0; i < slots; ++i)
      sum[i] += counts_[i].load(std::memory_order_relaxed);
  }

private:
  static constexpr std::size_t slots = std::tuple_size_v<jitter_counts>;

  std::array<std::atomic<std::uint64_t>, slots> counts_{};
};

} // namespace troupe::memory
