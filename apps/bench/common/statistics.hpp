#pragma once

// A measurement is a list of values, one per round; what is reported is its
// median. Two contestants are compared round by round: they ran next to each
// other in time, so what disturbed the machine disturbed both.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace troupe::bench {

struct summary {
  double median = std::numeric_limits<double>::quiet_NaN();
  double least = std::numeric_limits<double>::quiet_NaN();
  double most = std::numeric_limits<double>::quiet_NaN();
};

/// Median, minimum and maximum; all NaN when there are no values.
[[nodiscard]] inline summary summarize(std::vector<double> values) {
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  auto median = values.size() % 2 == 1
                  ? values[middle]
                  : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

/// The summary of x[i] / y[i] over all rounds both took part in.
[[nodiscard]] inline summary ratio(const std::vector<double>& x,
                                   const std::vector<double>& y) {
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    result.push_back(x[i] / y[i]);
  return summarize(std::move(result));
}

} // namespace troupe::bench
