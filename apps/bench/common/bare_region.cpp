#include <apps/bench/common/bare_region.hpp>

#include <thread>
#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/stand_alone.hpp>
#include <troupe/backends/memory/common_limit.hpp>

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

/// A region, and what a runtime does for its memory.
struct bare {
  explicit bare(const region_options& options)
    : inner(open_alone("bench", options, clock::steady(), executor,
                       std::make_shared<load_coordinator>(clock::steady()))
              .value()) {
    // nop
  }

  std::shared_ptr<lane_executor> executor = std::make_shared<idle_executor>();
  std::shared_ptr<region> inner;
  std::jthread memory{
    [](std::stop_token stop) { keep_memory_ready(std::move(stop)); }};
};

} // namespace

std::shared_ptr<region> open_bare_region(const region_options& options) {
  auto result = std::make_shared<bare>(options);
  return {result, result->inner.get()};
}

} // namespace troupe::bench
