#include <troupe/backends/memory/shards/prefix_map.hpp>

#include <algorithm>
#include <cassert>

namespace troupe::memory {

namespace {

std::uint8_t byte_of(char x) noexcept {
  return static_cast<std::uint8_t>(x);
}

} // namespace

prefix_map::prefix_map(const std::vector<std::string>& prefixes)
  : all_(prefixes) {
  assert(prefixes.size() <= most);
  std::vector<named> sorted;
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    sorted.push_back({prefixes[i], i});
  std::sort(sorted.begin(), sorted.end(),
            [](const named& x, const named& y) { return x.prefix < y.prefix; });
  grow(sorted, 0);
}

std::size_t prefix_map::grow(std::span<const named> sorted, std::size_t depth) {
  const auto number = nodes_.size();
  nodes_.emplace_back();
  if (sorted.empty())
    return number;
  // The bytes that the first and the last prefix share are shared by all.
  auto first = sorted.front().prefix;
  auto last = sorted.back().prefix;
  auto end = static_cast<std::size_t>(
    std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first
    - first.begin());
  nodes_[number].label = first.substr(depth, end - depth);
  if (first.size() == end) {
    nodes_[number].index = sorted.front().index;
    sorted = sorted.subspan(1);
  }
  while (!sorted.empty()) {
    const auto next = sorted.front().prefix[end];
    const auto other
      = std::find_if(sorted.begin(), sorted.end(),
                     [&](const named& x) { return x.prefix[end] != next; });
    const auto alike = static_cast<std::size_t>(other - sorted.begin());
    const auto below = grow(sorted.first(alike), end);
    nodes_[number].below[byte_of(next)] = static_cast<std::uint8_t>(below);
    sorted = sorted.subspan(alike);
  }
  return number;
}

std::size_t prefix_map::find(bytes_view key) const noexcept {
  auto result = none;
  for (std::size_t at = 0;;) {
    auto& x = nodes_[at];
    if (!key.starts_with(x.label))
      return result;
    key.remove_prefix(x.label.size());
    if (x.index != none)
      result = x.index;
    if (key.empty())
      return result;
    at = x.below[byte_of(key.front())];
    if (at == 0)
      return result;
  }
}

std::size_t prefix_map::index_of(bytes_view prefix) const noexcept {
  for (std::size_t at = 0;;) {
    auto& x = nodes_[at];
    if (!prefix.starts_with(x.label))
      return none;
    prefix.remove_prefix(x.label.size());
    if (prefix.empty())
      return x.index;
    at = x.below[byte_of(prefix.front())];
    if (at == 0)
      return none;
  }
}

} // namespace troupe::memory
