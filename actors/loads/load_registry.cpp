#include <troupe/actors/loads/load_registry.hpp>

#include <utility>

#include <troupe/actors/loads/load_in_flight.hpp>

namespace troupe {

bool load_registry::add(std::shared_ptr<load_in_flight> x) {
  auto& in = stripe_of(x->id);
  std::lock_guard guard{in.mutex};
  if (in.closed)
    return false;
  const auto id = x->id;
  in.loads.emplace(id, std::move(x));
  size_.fetch_add(1);
  return true;
}

std::shared_ptr<load_in_flight>
load_registry::find_or_add(std::shared_ptr<load_in_flight> x) {
  auto& in = stripe_of(x->id);
  std::lock_guard guard{in.mutex};
  if (in.closed)
    return nullptr;
  const auto id = x->id;
  const auto [i, added] = in.loads.try_emplace(id, std::move(x));
  if (added)
    size_.fetch_add(1);
  return i->second;
}

std::shared_ptr<load_in_flight> load_registry::find(load_id id) {
  auto& in = stripe_of(id);
  std::lock_guard guard{in.mutex};
  const auto i = in.loads.find(id);
  return i == in.loads.end() ? nullptr : i->second;
}

bool load_registry::remove(load_id id) {
  auto& in = stripe_of(id);
  // Freed after the lock.
  decltype(in.loads)::node_type gone;
  std::lock_guard guard{in.mutex};
  gone = in.loads.extract(id);
  return !gone.empty() && size_.fetch_sub(1) == 1;
}

void load_registry::close() noexcept {
  closed_.store(true);
  for (auto& x : stripes_) {
    std::lock_guard guard{x.mutex};
    x.closed = true;
  }
}

std::vector<std::shared_ptr<load_in_flight>> load_registry::all() {
  std::vector<std::shared_ptr<load_in_flight>> result;
  for (auto& x : stripes_) {
    std::lock_guard guard{x.mutex};
    for (auto& [id, load] : x.loads)
      result.push_back(load);
  }
  return result;
}

} // namespace troupe
