#include <apps/bench/bare_region.hpp>

namespace troupe::bench {

namespace {

/// Blocking callers hand a lane over to each other; an executor is only asked
/// by asynchronous ones, which there are none.
class idle_executor final : public lane_executor {
public:
  void schedule(lane& which) noexcept override {
    which.resume();
  }
};

} // namespace

std::shared_ptr<region> open_bare_region(const region_options& options) {
  return std::make_shared<region>("bench", options, clock::steady(),
                                  std::make_shared<idle_executor>(), nullptr);
}

} // namespace troupe::bench
