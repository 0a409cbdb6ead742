#include <troupe/messages/types/clock.hpp>

#include <cstddef>
#include <new>

namespace troupe {

namespace {

class steady_clock final : public clock {
public:
  time_point now() const noexcept override {
    return std::chrono::steady_clock::now();
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
