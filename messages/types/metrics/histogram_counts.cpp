#include <troupe/messages/types/metrics/histogram_counts.hpp>

#include <algorithm>
#include <cmath>

namespace troupe {

std::uint64_t histogram_counts::quantile(double part) const noexcept {
  if (count_ == 0)
    return 0;
  // The rank of the value, from 1 on.
  const auto wanted
    = std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank
    = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    passed += counts_[i];
    if (passed >= rank)
      return least_of(i) + (greatest_of(i) - least_of(i)) / 2;
  }
  return greatest_of(bucket_count - 1);
}

} // namespace troupe
