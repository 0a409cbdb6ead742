#include <troupe/actors/prefix_map.hpp>

#include <algorithm>

namespace troupe {

prefix_map::prefix_map(const std::vector<std::string>& prefixes) {
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    places_.push_back({prefixes[i], i, none});
  std::sort(places_.begin(), places_.end(),
            [](const place& x, const place& y) { return x.prefix < y.prefix; });
  for (std::size_t i = 1; i < places_.size(); ++i)
    places_[i].within = outwards(i - 1, places_[i].prefix);
}

std::size_t prefix_map::find(bytes_view key) const noexcept {
  auto at = outwards(before(key), key);
  return at == none ? none : places_[at].index;
}

std::size_t prefix_map::index_of(bytes_view prefix) const noexcept {
  auto at = before(prefix);
  return at == none || places_[at].prefix != prefix ? none : places_[at].index;
}

std::size_t prefix_map::before(bytes_view key) const noexcept {
  auto next = std::upper_bound(
    places_.begin(), places_.end(), key,
    [](bytes_view x, const place& y) { return x < bytes_view{y.prefix}; });
  return static_cast<std::size_t>(next - places_.begin()) - 1;
}

std::size_t prefix_map::outwards(std::size_t at,
                                 bytes_view key) const noexcept {
  while (at != none && !key.starts_with(places_[at].prefix))
    at = places_[at].within;
  return at;
}

} // namespace troupe
