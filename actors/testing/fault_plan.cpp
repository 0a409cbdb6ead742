#include <troupe/actors/testing/fault_plan.hpp>

#include <string>
#include <thread>
#include <utility>

namespace troupe::testing {

fault_plan::fault_plan(std::uint64_t seed,
                       std::function<void(std::chrono::nanoseconds)> sleep)
  : sleep_(std::move(sleep)),
    random_(
      static_cast<std::minstd_rand::result_type>(seed % 2'147'483'646 + 1)) {
  // nop
}

expected<void> fault_plan::add(fault x) {
  if (x.percent < 1 || x.percent > 100)
    return fail(errc::invalid_argument, "the share of a fault is "
                                          + std::to_string(x.percent)
                                          + " percent, it may be 1 to 100");
  if (x.delay < std::chrono::nanoseconds::zero())
    return fail(errc::invalid_argument, "the delay of a fault is negative");
  std::lock_guard guard{mutex_};
  const auto left = x.times;
  faults_.push_back({std::move(x), left});
  any_.store(true, std::memory_order_release);
  return {};
}

void fault_plan::clear() {
  std::lock_guard guard{mutex_};
  faults_.clear();
  any_.store(false, std::memory_order_release);
}

fault_plan::verdict fault_plan::decide(const provider_call& what) {
  if (!any_.load(std::memory_order_acquire))
    return {};
  std::lock_guard guard{mutex_};
  for (auto& x : faults_) {
    const auto& rule = x.what;
    if ((rule.on && *rule.on != what.operation)
        || (!rule.key.empty() && rule.key != what.key)
        || (rule.times != 0 && x.left == 0))
      continue;
    if (x.what.skip > 0) {
      --x.what.skip;
      continue;
    }
    if (rule.percent < 100 && random_() % 100 >= rule.percent)
      continue;
    if (rule.times != 0)
      --x.left;
    hits_.fetch_add(1, std::memory_order_relaxed);
    return {rule.delay, rule.fails};
  }
  return {};
}

expected<void> fault_plan::before(const provider_call& what) {
  auto found = decide(what);
  if (found.delay > std::chrono::nanoseconds::zero()) {
    if (sleep_)
      sleep_(found.delay);
    else
      std::this_thread::sleep_for(found.delay);
  }
  if (found.fails)
    return tl::unexpected{std::move(*found.fails)};
  return {};
}

} // namespace troupe::testing
