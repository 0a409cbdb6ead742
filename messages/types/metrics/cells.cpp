#include <troupe/messages/types/metrics/cells.hpp>

namespace troupe {

std::uint64_t counter::value() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& x : cells_)
    sum += x.value.load(std::memory_order_relaxed);
  return sum;
}

std::size_t counter::own_number() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const auto own = next.fetch_add(1, std::memory_order_relaxed);
  return own;
}

histogram_counts histogram::counts() const noexcept {
  histogram_counts result;
  add_to(result);
  return result;
}

void histogram::add_to(metric_value& sum) const {
  if (!sum.histogram)
    sum.histogram = std::make_shared<histogram_counts>();
  add_to(*sum.histogram);
}

void histogram::add_to(histogram_counts& sum) const noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (const auto n = counts_[i].load(std::memory_order_relaxed); n != 0)
      sum.add(i, n);
  sum.add_to_sum(sum_.load(std::memory_order_relaxed));
}

} // namespace troupe
