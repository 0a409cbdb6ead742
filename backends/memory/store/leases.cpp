#include <troupe/backends/memory/store/leases.hpp>

#include <cassert>
#include <cstddef>

namespace troupe::memory {

// -- load leases -----------------------------------------------------------------

load_id load_leases::holder(bytes_view key) const {
  auto* present = find(key);
  return present == nullptr ? 0 : present->id;
}

const load_leases::lease* load_leases::find(bytes_view key) const {
  auto i = leases_.find(key);
  return i == leases_.end() ? nullptr : &i->second;
}

void load_leases::grant(bytes_view key, lease to) {
  assert(to.id != 0 && holder(key) == 0);
  if (!spare_) {
    leases_.emplace(key, std::move(to));
    return;
  }
  spare_.key().assign(key);
  leases_.insert(std::move(spare_)).position->second = std::move(to);
}

void load_leases::remove(lease_map::const_iterator i) {
  // Keys are small; the memory of a large one is not kept.
  constexpr std::size_t most_kept = 256;
  if (i->first.capacity() > most_kept) {
    leases_.erase(i);
    return;
  }
  spare_ = leases_.extract(i);
  spare_.mapped() = {};
}

bool load_leases::release(bytes_view key, load_id id) {
  auto i = leases_.find(key);
  if (i == leases_.end() || i->second.id != id)
    return false;
  remove(i);
  return true;
}

load_id load_leases::fence(bytes_view key) {
  auto i = leases_.find(key);
  if (i == leases_.end())
    return 0;
  const auto held = i->second.id;
  remove(i);
  return held;
}

// -- update leases ---------------------------------------------------------------

void update_leases::grant(bytes_view key, std::uint64_t token,
                          time_point deadline, snapshot of) {
  assert(!held(key));
  auto& x = leases_[bytes{key}];
  x.token = token;
  x.deadline = deadline;
  x.of = std::move(of);
  publish_count();
}

bool update_leases::holds(bytes_view key, std::uint64_t token) const {
  auto i = leases_.find(key);
  return i != leases_.end() && i->second.token == token;
}

const update_leases::snapshot& update_leases::given(bytes_view key) const {
  auto i = leases_.find(key);
  assert(i != leases_.end());
  return i->second.of;
}

update_leases::passed update_leases::overtaken(bytes_view key) const {
  auto i = leases_.find(key);
  return i == leases_.end() ? passed::none : i->second.overtaken;
}

void update_leases::overtake_held(bytes_view key, passed by) {
  if (auto i = leases_.find(key);
      i != leases_.end() && i->second.overtaken == passed::none)
    i->second.overtaken = by;
}

void update_leases::park(parked_operation& op) {
  auto i = leases_.find(op.leased_key()->key);
  assert(i != leases_.end());
  i->second.waiting.push(op);
}

bool update_leases::unpark(const parked_operation& op) {
  auto i = leases_.find(op.leased_key()->key);
  return i != leases_.end() && i->second.waiting.remove(op);
}

void update_leases::release(bytes_view key) {
  auto i = leases_.find(key);
  if (i == leases_.end())
    return;
  released_.append(std::move(i->second.waiting));
  leases_.erase(i);
  publish_count();
}

void update_leases::release_overdue(time_point now) {
  for (auto i = leases_.begin(); i != leases_.end();) {
    if (i->second.deadline > now) {
      ++i;
      continue;
    }
    released_.append(std::move(i->second.waiting));
    i = leases_.erase(i);
  }
  publish_count();
}

void update_leases::release_all() {
  release_overdue(never);
}

} // namespace troupe::memory
