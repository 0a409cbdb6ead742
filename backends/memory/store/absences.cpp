#include <troupe/backends/memory/store/absences.hpp>

#include <algorithm>

namespace troupe::memory {

std::shared_ptr<const absence> absences::watch(bytes_view key) {
  if (auto i = held_.find(key); i != held_.end())
    if (auto present = i->second.lock())
      return present;
  if (held_.size() >= next_look_)
    drop_abandoned();
  auto result = std::make_shared<absence>();
  held_[bytes{key}] = result;
  any_.store(true, std::memory_order_relaxed);
  return result;
}

void absences::end_held(bytes_view key) noexcept {
  auto i = held_.find(key);
  if (i == held_.end())
    return;
  if (auto present = i->second.lock())
    present->ended_.store(true, std::memory_order_release);
  held_.erase(i);
}

void absences::drop_abandoned() noexcept {
  std::erase_if(held_, [](const auto& x) { return x.second.expired(); });
  // Otherwise the map keeps the memory of its largest size.
  if (held_.empty())
    held_ = {};
  next_look_ = std::max(few, 2 * held_.size());
  any_.store(!held_.empty(), std::memory_order_relaxed);
}

} // namespace troupe::memory
