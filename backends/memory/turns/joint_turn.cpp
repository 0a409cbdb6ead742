#include <troupe/backends/memory/turns/joint_turn.hpp>

#include <algorithm>
#include <cassert>
#include <functional>

#include <troupe/backends/memory/shards/shard_map.hpp>

namespace troupe::memory {

namespace {

/// Waits, like every operation, for a restart and for the end of an update.
struct wait_operation {
  std::optional<hashed_key> key;

  expected<void> operator()(store&) const {
    return {};
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

} // namespace

joint_turn::~joint_turn() {
  end();
}

void joint_turn::add(shard_map& where, const hashed_key& key) {
  assert(holds_.empty());
  places_.push_back({&where.home(key), key});
}

void joint_turn::add_all(shard_map& where) {
  assert(holds_.empty());
  // No other caller may make one meanwhile.
  where.make_all();
  for (auto* x : where.all().made())
    places_.push_back({x, std::nullopt});
}

expected<void> joint_turn::begin() {
  while (const auto* ahead = enter_all())
    if (auto gone = ahead->where->run(wait_operation{ahead->key}); !gone)
      return gone;
  return {};
}

bool joint_turn::try_begin() {
  return enter_all() == nullptr;
}

void joint_turn::end() noexcept {
  leave();
  places_.clear();
}

/// Enters all mailboxes or none; in the second case, returns the place that the turn
/// must wait for.
const joint_turn::place* joint_turn::enter_all() {
  assert(holds_.empty());
  std::sort(places_.begin(), places_.end(), [](auto& x, auto& y) {
    return x.where->number() < y.where->number();
  });
  enter();
  const auto* ahead = obstacle();
  if (ahead == nullptr)
    enter_regions();
  else
    leave();
  return ahead;
}

void joint_turn::enter() {
  held_.reserve(places_.size());
  for (auto& x : places_) {
    if (!held_.empty() && held_.back() == x.where)
      continue;
    // Invariant 1.
    assert(held_.empty() || held_.back()->number() < x.where->number());
    holds_.emplace_back(x.where->mailbox());
    held_.push_back(x.where);
  }
}

/// Invariant 3.
void joint_turn::enter_regions() {
  std::vector<store*> stores;
  for (auto* x : held_) {
    auto& store = x->store();
    const auto same_region
      = [&store](auto* y) { return &y->registry() == &store.registry(); };
    if (std::none_of(stores.begin(), stores.end(), same_region))
      stores.push_back(&store);
  }
  std::sort(stores.begin(), stores.end(), [](auto* x, auto* y) {
    return std::less<>{}(&x->registry(), &y->registry());
  });
  for (auto* x : stores)
    regions_.emplace_back(*x);
}

void joint_turn::leave() noexcept {
  while (!regions_.empty())
    regions_.pop_back();
  while (!holds_.empty()) {
    held_.back()->settle_turn();
    held_.pop_back();
    holds_.pop_back();
  }
}

/// The place that the turn must wait for, or nullptr.
const joint_turn::place* joint_turn::obstacle() const {
  for (auto& x : places_) {
    const auto state = x.where->state();
    if (x.key ? state != shard_state::running
                  || x.where->store().updates().held(x.key->key)
              : state == shard_state::stopped)
      return &x;
  }
  return nullptr;
}

} // namespace troupe::memory
