#include <troupe/actors/loads/load_registry.hpp>

#include <utility>

#include <troupe/actors/loads/load_in_flight.hpp>

namespace troupe {

/// The stripe of the loads that the calling thread begins.
std::size_t load_registry::own_stripe() noexcept {
  static constinit std::atomic<std::size_t> threads{0};
  thread_local const auto result
    = threads.fetch_add(1, std::memory_order_relaxed) % stripe_count;
  return result;
}

bool load_registry::add(std::shared_ptr<load_in_flight> x) {
  auto& in = stripe_of(x->id);
  std::lock_guard guard{in.mutex};
  if (in.closed)
    return false;
  const auto id = x->id;
  if (in.spare) {
    in.spare.key() = id;
    in.loads.insert(std::move(in.spare)).position->second = std::move(x);
  } else {
    in.loads.emplace(id, std::move(x));
  }
  in.size.store(in.loads.size());
  return true;
}

std::shared_ptr<load_in_flight>
load_registry::find_or_add(std::shared_ptr<load_in_flight> x) {
  auto& in = stripe_of(x->id);
  std::lock_guard guard{in.mutex};
  if (in.closed)
    return nullptr;
  const auto id = x->id;
  auto& result = in.loads.try_emplace(id, std::move(x)).first->second;
  in.size.store(in.loads.size());
  return result;
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
  std::shared_ptr<load_in_flight> gone;
  {
    std::lock_guard guard{in.mutex};
    auto node = in.loads.extract(id);
    if (node.empty())
      return false;
    gone = std::move(node.mapped());
    in.spare = std::move(node);
    in.size.store(in.loads.size());
  }
  // The last thread that removes a load sees the sizes that the others left.
  return closed() && size() == 0;
}

std::size_t load_registry::size() const noexcept {
  std::size_t result = 0;
  for (auto& x : stripes_)
    result += x.size.load();
  return result;
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
