#include <troupe/actors/supervision/load_meter.hpp>

#include <algorithm>

namespace troupe {

bool load_meter::due(time_point now) const {
  std::lock_guard guard{mutex_};
  return samples_.empty() || now - samples_.back().taken >= step;
}

void load_meter::note(time_point now, std::chrono::milliseconds used) {
  std::lock_guard guard{mutex_};
  samples_.push_back({now, used});
  // One sample as old as the window stays: the share is measured since then.
  while (samples_.size() > 1 && now - samples_[1].taken >= window)
    samples_.pop_front();
}

load_meter::share load_meter::lately(time_point now,
                                     std::chrono::milliseconds used) const {
  using std::chrono::milliseconds;
  std::lock_guard guard{mutex_};
  if (samples_.empty())
    return {};
  const auto& since = samples_.front();
  const auto over = std::chrono::duration_cast<milliseconds>(now - since.taken);
  if (over <= over.zero())
    return {};
  const auto spent = std::max(used - since.used, milliseconds{0});
  return {static_cast<std::uint64_t>(spent * 1000 / over), over};
}

} // namespace troupe
