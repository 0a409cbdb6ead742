#include <troupe/messages/types/clock.hpp>

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
  // Constructed on first use and never destroyed with effect: the type is
  // trivially destructible but for the virtual destructor.
  static const steady_clock instance;
  return instance;
}

} // namespace troupe
