#include <troupe/messages/types/text/suggest.hpp>

#include <algorithm>
#include <numeric>

namespace troupe {

std::size_t edit_distance(std::string_view x, std::string_view y) {
  // Three rows of the matrix: the present one and the two above.
  std::vector<std::size_t> last(y.size() + 1);
  std::vector<std::size_t> above(y.size() + 1);
  std::vector<std::size_t> row(y.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= x.size(); ++i) {
    last.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= y.size(); ++j) {
      const std::size_t replaced = x[i - 1] == y[j - 1] ? 0 : 1;
      row[j]
        = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + replaced});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
        row[j] = std::min(row[j], last[j - 2] + 1);
    }
  }
  return row[y.size()];
}

std::string nearest(std::string_view word,
                    const std::vector<std::string>& candidates) {
  if (std::find(candidates.begin(), candidates.end(), word) != candidates.end())
    return {};
  auto begins = [word](const std::string& x) { return x.starts_with(word); };
  if (!word.empty()
      && std::count_if(candidates.begin(), candidates.end(), begins) == 1)
    return *std::find_if(candidates.begin(), candidates.end(), begins);
  std::string result;
  auto best = (word.size() + 1) / 2;
  for (const auto& x : candidates) {
    const auto d = edit_distance(word, x);
    if (d < best || (d == best && d == 1 && result.empty())) {
      best = d;
      result = x;
    }
  }
  return result;
}

std::string did_you_mean(std::string_view word,
                         const std::vector<std::string>& candidates) {
  const auto found = nearest(word, candidates);
  return found.empty() ? found : "; did you mean '" + found + "'?";
}

} // namespace troupe
