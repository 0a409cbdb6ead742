#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// The share of a processor that the process used recently. Thread-safe.
class load_meter {
public:
  /// The period of the figures, and the time between two samples.
  static constexpr std::chrono::seconds window{10};
  static constexpr std::chrono::seconds step{1};

  struct share {
    std::uint64_t permille = 0;        ///< 1000 is all of one processor.
    std::chrono::milliseconds over{0}; ///< Zero: nothing is known yet.
  };

  /// Whether it is time for a sample. Cheap.
  [[nodiscard]] bool due(time_point now) const;

  /// Adds a sample. `used`: processor time since the process began.
  void note(time_point now, std::chrono::milliseconds used);

  [[nodiscard]] share lately(time_point now,
                             std::chrono::milliseconds used) const;

private:
  struct sample {
    time_point taken;
    std::chrono::milliseconds used;
  };

  mutable std::mutex mutex_;
  std::deque<sample> samples_; ///< Oldest first; `window / step` + 1 at most.
};

} // namespace troupe
