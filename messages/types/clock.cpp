#include <troupe/messages/types/clock.hpp>

#include <cstddef>
#include <new>

#include <time.h>

namespace troupe {

namespace {

class steady_clock final : public clock {
public:
  time_point now() const noexcept override {
    return std::chrono::steady_clock::now();
  }

  /// The kernel's last tick: no read of the processor's counter.
  time_point coarse() const noexcept override {
    timespec result{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &result);
    return time_point{std::chrono::seconds{result.tv_sec}
                      + std::chrono::nanoseconds{result.tv_nsec}};
  }
};

} // namespace

const clock& clock::steady() noexcept {
  // Never destroyed: static objects that end later may read the time.
  alignas(steady_clock) static std::byte place[sizeof(steady_clock)];
  static const auto* instance = new (place) steady_clock;
  return *instance;
}

} // namespace troupe
