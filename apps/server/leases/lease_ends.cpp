// The part of the desk that keeps the lines of keys and ends leases.

#include "apps/server/leases/lease_desk.hpp"

#include <new>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/server/leases/lease_token.hpp"

namespace troupe::server {

lease_desk::~lease_desk() {
  for (const auto& [when, at] : by_deadline_)
    release(*at, when.second);
}

lease_figures lease_desk::figures() const {
  std::lock_guard lock{mutex_};
  auto result = figures_;
  result.held = by_deadline_.size();
  return result;
}

// -- lines, under the mutex ----------------------------------------------------------

lease_desk::line* lease_desk::find(const region& where,
                                   bytes_view key) noexcept {
  const auto i = lines_.find({&where, key});
  return i == lines_.end() ? nullptr : &i->second;
}

lease_desk::line* lease_desk::find(const place& at) noexcept {
  const auto i = lines_.find({at.id, at.key.key()});
  return i == lines_.end() ? nullptr : &i->second;
}

/// The key's line, which is made when there is none.
expected<lease_desk::line*> lease_desk::enter(region& where,
                                              const hashed_key& key) {
  if (auto* const present = find(where, key.key))
    return present;
  const auto bytes = key.key.size() + lease_limits::bytes_per_key;
  if (bytes_ + bytes > most_.bytes)
    return fail(errc::overloaded,
                "the keys with leases and waiting clients take "
                  + std::to_string(most_.bytes) + " bytes; try again later");
  auto at = std::make_shared<const place>(
    place{where.weak_from_this(), &where, carried_key{key}});
  auto& made = lines_[{&where, at->key.key()}];
  made.at = std::move(at);
  bytes_ += bytes;
  used_.store(lines_.size(), std::memory_order_relaxed);
  return &made;
}

/// The key's lease, if this is its token and its time is not over.
lease_desk::lease* lease_desk::valid_lease(const region& where,
                                           const hashed_key& key,
                                           bytes_view token) noexcept {
  auto* const x = find(where, key.key);
  return x != nullptr && x->held && same_token(x->held->token, token)
             && where.now() < x->held->deadline
           ? &*x->held
           : nullptr;
}

void lease_desk::record(line& x, lease granted) {
  const auto by_client
    = by_client_.emplace(std::pair{granted.client, granted.id}, x.at);
  try {
    by_deadline_.emplace(std::pair{granted.deadline, granted.id}, x.at);
  } catch (const std::bad_alloc&) {
    by_client_.erase(by_client.first);
    throw;
  }
  x.held = std::move(granted);
}

/// From now on no client can use the lease.
void lease_desk::retire(lease& x) noexcept {
  x.token.clear();
  by_client_.erase({x.client, x.id});
}

void lease_desk::forget(line& x) noexcept {
  retire(*x.held);
  by_deadline_.erase({x.held->deadline, x.held->id});
  x.held.reset();
}

/// Removes the line, if it has nothing.
void lease_desk::tidy(line& x) noexcept {
  if (x.held || x.asking || !x.waiting.empty())
    return;
  flag(x, false);
  const auto at = x.at; // The name of the line is in there.
  bytes_ -= at->key.key().size() + lease_limits::bytes_per_key;
  lines_.erase({at->id, at->key.key()});
  used_.store(lines_.size(), std::memory_order_relaxed);
}

void lease_desk::flag(line& x, bool again) noexcept {
  if (x.again != again)
    again ? ++again_ : --again_;
  x.again = again;
}

// -- the end of a lease --------------------------------------------------------------

/// The provider has ended the lease, in the key's turn.
void lease_desk::ended(const place_ptr& at, load_id id) noexcept {
  {
    std::lock_guard lock{mutex_};
    auto* const x = find(*at);
    if (x != nullptr && x->held && x->held->id == id)
      forget(*x);
  }
  go_on(at);
}

/// Asks the provider to end a lease; a tick asks again if that fails.
void lease_desk::release(const place& at, load_id id) noexcept {
  try {
    if (const auto where = at.where.lock())
      where->release_load(at.key, id, std::nullopt,
                          [](const expected<void>&) {});
  } catch (const std::bad_alloc&) {
    return;
  }
}

void lease_desk::store(region& where, const hashed_key& key, bytes_view token,
                       bytes_view value, write_options how,
                       completion<bool> done) {
  if (auto ok = where.check_loaded(value, how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  load_commit what{.value
                   = std::make_shared<const std::optional<bytes>>(bytes{value}),
                   .how = std::move(how)};
  {
    std::lock_guard lock{mutex_};
    if (auto* const held = valid_lease(where, key, token)) {
      what.id = held->id;
      what.born = held->born;
      retire(*held);
    }
  }
  if (what.id == 0) {
    count(false);
    return done(false);
  }
  where.provider().commit_load(
    carried_key{key}, std::move(what),
    [self = shared_from_this(),
     done = std::move(done)](const expected<load_outcome>& outcome) {
      if (!outcome)
        return done(tl::unexpected{outcome.error()});
      self->count(outcome->stored);
      done(outcome->stored);
    });
}

void lease_desk::count(bool stored) noexcept {
  std::lock_guard lock{mutex_};
  ++(stored ? figures_.stored : figures_.refused);
}

bool lease_desk::drop(region& where, const hashed_key& key, bytes_view token) {
  place_ptr at;
  load_id id = 0;
  {
    std::lock_guard lock{mutex_};
    if (auto* const held = valid_lease(where, key, token)) {
      at = find(where, key.key)->at;
      id = held->id;
      retire(*held);
    }
  }
  if (id != 0)
    release(*at, id);
  return id != 0;
}

void lease_desk::leave(std::uint64_t client) noexcept {
  for (;;) {
    place_ptr at;
    load_id id = 0;
    {
      std::lock_guard lock{mutex_};
      const auto i = by_client_.lower_bound({client, 0});
      if (i == by_client_.end() || i->first.first != client)
        return;
      at = i->second;
      auto& held = *find(*at)->held;
      retire(held);
      // `hand_out` gives a lease to the next client when the first was not told.
      held.leaves = !held.told;
      if (held.told)
        id = held.id;
    }
    if (id != 0)
      release(*at, id);
  }
}

void lease_desk::release(const std::vector<due_lease>& all) noexcept {
  for (const auto& [at, id] : all)
    release(*at, id);
}

void lease_desk::cleared(const region& where) noexcept {
  if (idle())
    return;
  std::vector<due_lease> all;
  try {
    std::lock_guard lock{mutex_};
    for (auto i = lines_.lower_bound({&where, {}});
         i != lines_.end() && i->first.first == &where; ++i) {
      auto& held = i->second.held;
      if (!held || !held->told)
        continue;
      all.emplace_back(i->second.at, held->id);
      retire(*held);
    }
  } catch (const std::bad_alloc&) {
    // The others are reported by their shards.
  }
  release(all);
}

void lease_desk::tick() noexcept {
  if (idle())
    return;
  std::vector<due_lease> overdue;
  std::vector<place_ptr> again;
  try {
    std::lock_guard lock{mutex_};
    for (const auto& [when, at] : by_deadline_) {
      const auto where = at->where.lock();
      if (where == nullptr || where->now() < when.first)
        break;
      auto* const x = find(*at);
      if (x == nullptr || !x->held || !x->held->told)
        continue; // `hand_out` is about to tell its client.
      overdue.emplace_back(at, when.second);
      retire(*x->held);
    }
    if (again_ > 0)
      for (const auto& [name, x] : lines_)
        if (x.again)
          again.push_back(x.at);
  } catch (const std::bad_alloc&) {
    // The next tick ends the others.
  }
  release(overdue);
  for (const auto& at : again)
    go_on(at);
}

} // namespace troupe::server
