// What a schedule says of a run that failed.

#include <troupe/actors/testing/detail/schedule.hpp>

#include <troupe/actors/testing/detail/simulated_task.hpp>
#include <troupe/actors/testing/detail/time_text.hpp>

namespace troupe::testing::detail {

/// A line for each task that has not ended.
std::string schedule::waits() const {
  std::string result;
  for (const auto& x : tasks_) {
    if (x->now == simulated_task::phase::ended || (x->daemon && x->idle))
      continue;
    result += "  " + x->name;
    if (x->now == simulated_task::phase::waiting)
      result += x->until_true != nullptr
                  ? " waits until " + std::string{x->reason}
                  : " waits for " + std::string{x->reason};
    else
      result += x->now == simulated_task::phase::fresh ? " has not begun"
                                                       : " can run";
    result += "\n";
  }
  if (!jobs_.empty())
    result += "  " + std::to_string(jobs_.size())
              + " job(s) wait for a loader thread\n";
  return result + around_.describe();
}

std::string schedule::report() const {
  auto result
    = "simulation with seed " + std::to_string(seed) + ": " + failure_;
  if (result.back() != '\n')
    result += '\n';
  result += "  at " + milliseconds_text(time.now() - manual_clock{}.now())
            + " of virtual time, after " + std::to_string(steps())
            + " steps; TROUPE_SEED=" + std::to_string(seed)
            + " repeats the run. The last steps:\n";
  for (const auto& x : trace_)
    result += "    " + (x.by == nullptr ? std::string{"-"} : x.by->name) + ": "
              + x.text + "\n";
  return result;
}

} // namespace troupe::testing::detail
