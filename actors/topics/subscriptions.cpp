#include <troupe/actors/topics/subscriptions.hpp>

#include <algorithm>

namespace troupe {

namespace {

/// Bytes of a topic, of its entries here and in the directory, and malloc's overhead.
constexpr std::size_t topic_bytes = 704;

/// The topic, the directory and the subscriber have one copy each.
constexpr std::size_t copies_of_name = 3;

} // namespace

std::size_t subscriptions::cost(bytes_view name) noexcept {
  return topic_bytes + copies_of_name * name.size();
}

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
  bytes_ += cost(name);
  return true;
}

bool subscriptions::remove(topic_kind kind, bytes_view name) noexcept {
  auto& joined = joined_[static_cast<std::size_t>(kind)];
  const auto found = joined.find(name);
  if (found == joined.end())
    return false;
  directory_.leave(*found->second, *who_);
  bytes_ -= cost(name);
  joined.erase(found);
  return true;
}

void subscriptions::clear() noexcept {
  for (auto& joined : joined_) {
    for (const auto& entry : joined)
      directory_.leave(*entry.second, *who_);
    joined.clear();
  }
  bytes_ = 0;
}

bool subscriptions::empty() const noexcept {
  return std::all_of(joined_.begin(), joined_.end(),
                     [](const topics& x) { return x.empty(); });
}

} // namespace troupe
