#include <troupe/actors/subscriptions.hpp>

#include <algorithm>

namespace troupe {

subscriptions::~subscriptions() {
  who_->close();
  clear();
}

bool subscriptions::add(topic_kind kind, bytes_view name) {
  auto& joined = joined_[static_cast<std::size_t>(kind)];
  const auto [place, added] = joined.emplace(bytes{name}, nullptr);
  if (!added)
    return false;
  try {
    place->second = directory_.join(kind, name, who_);
  } catch (...) {
    joined.erase(place);
    throw;
  }
  return true;
}

bool subscriptions::remove(topic_kind kind, bytes_view name) noexcept {
  auto& joined = joined_[static_cast<std::size_t>(kind)];
  const auto found = joined.find(name);
  if (found == joined.end())
    return false;
  directory_.leave(*found->second, *who_);
  joined.erase(found);
  return true;
}

void subscriptions::clear() noexcept {
  for (auto& joined : joined_) {
    for (const auto& entry : joined)
      directory_.leave(*entry.second, *who_);
    joined.clear();
  }
}

bool subscriptions::empty() const noexcept {
  return std::all_of(joined_.begin(), joined_.end(),
                     [](const topics& x) { return x.empty(); });
}

} // namespace troupe
