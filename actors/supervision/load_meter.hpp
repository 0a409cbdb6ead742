#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// What share of a processor the process had lately. Thread-safe.
class load_meter {
public:
  /// How much of the past counts, and how often it is noted down.
  static constexpr std::chrono::seconds window{10};
  static constexpr std::chrono::seconds step{1};

  struct share {
    std::uint64_t permille = 0;        ///< 1000 is all of one processor.
    std::chrono::milliseconds over{0}; ///< Zero: nothing is known yet.
  };

  /// Whether it is time to note something down. Cheap.
  [[nodiscard]] bool due(time_point now) const;

  /// `used`: processor time since the process began.
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
