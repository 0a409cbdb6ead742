#include <troupe/backends/memory/turns/turn_plan.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <troupe/backends/memory/shards/shard_map.hpp>

namespace troupe::memory {

demand::amount turn_plan::held_by(const key_plan& x) noexcept {
  if (!x.now.linked || !x.counted)
    return {};
  return {x.now.charge, 1};
}

turn_plan::~turn_plan() {
  for (auto& x : shards_)
    if (x->reserved)
      x->where.store().end_reservation();
}

void turn_plan::set(shard_map& where, const hashed_key& key, std::size_t size,
                    bool expires, step how, std::size_t block,
                    const write_options* options) {
  const auto what = find(where, key);
  if (what.in == nullptr)
    return;
  const auto& usual = what.in->where.store().usual();
  occupancy next;
  next.value_size = size;
  next.expires = expires || usual.ttl != no_expiry;
  next.idles = usual.idle != no_expiry;
  next.tail_bytes = tail_bytes(usual, next.expires, options);
  put(what, key, next, how, block);
}

/// The most bytes of moments and tags that a write may add to its entry.
std::size_t turn_plan::tail_bytes(const store_options& usual, bool expires,
                                  const write_options* options) {
  entry_attributes with;
  const std::vector<tag_id> ids(options == nullptr ? 0 : options->tags.size());
  with.tags = ids;
  const auto own = options != nullptr && options->stale_for.has_value();
  if (expires && (own || usual.has_moments()))
    with.moments.stale_for = std::chrono::nanoseconds{1};
  return entry::tail_size(with);
}

void turn_plan::append(shard_map& where, const hashed_key& key,
                       std::size_t size) {
  if (const auto what = find(where, key); what.in != nullptr)
    overwrite(where, key, what.key->now.value_size + size);
}

void turn_plan::overwrite(shard_map& where, const hashed_key& key,
                          std::size_t size) {
  set(where, key, size, false, step::depends);
}

void turn_plan::expire(shard_map& where, const hashed_key& key) {
  const auto what = find(where, key);
  if (what.in == nullptr || !what.key->now.linked)
    return;
  auto next = what.key->now;
  next.expires = true;
  put(what, key, next, step::depends, 0);
}

void turn_plan::erase(shard_map& where, const hashed_key& key) {
  const auto what = find(where, key);
  if (what.in == nullptr || !what.key->now.linked)
    return;
  what.in->coming.change(held_by(*what.key), {});
  leave(*what.key);
}

void turn_plan::copy(shard_map& source, const hashed_key& from,
                     shard_map& target, const hashed_key& to) {
  const auto what = find(source, from, true);
  if (!what.key->now.linked)
    return;
  // A large value is shared, with the room that its block has to spare.
  const auto x = what.key->now;
  put(find(target, to), to, x, step::depends, x.charge);
}

void turn_plan::move(shard_map& where, const hashed_key& from,
                     const hashed_key& to, step how) {
  if (from.key == to.key)
    return;
  const auto source = find(where, from, true);
  const auto target = find(where, to, true);
  if (!source.key->now.linked)
    return;
  // The capacity that the shard was lent for the entry moves to the other shard with
  // it, but not from one budget to another.
  const auto together
    = source.in->where.store().shares_limits_with(target.in->where.store());
  if (how == step::depends || !source.key->exact || !together) {
    // The entry may expire before it is moved, or be absent. So it takes room in both
    // places, and the room that it leaves is not available to others.
    copy(where, from, where, to);
    source.key->counted = source.in == target.in;
    source.key->exact = false;
    return;
  }
  auto next = source.key->now;
  const auto charge_under = [&next](const hashed_key& key) {
    return table::charge_of(key.key.size(), next, 0);
  };
  next.charge += charge_under(to);
  next.charge -= charge_under(from);
  admit(target, next.charge);
  auto before = held_by(*target.key);
  before.bytes += source.key->now.charge;
  ++before.entries;
  take(target, next, before);
  target.key->exact = true;
  leave(*source.key);
}

expected<void> turn_plan::reserve() {
  if (refusal_)
    return tl::unexpected{*refusal_};
  for (auto& x : shards_) {
    if (auto ok = x->where.store().reserve(x->coming); !ok) {
      for (auto& y : shards_)
        if (std::exchange(y->reserved, false))
          y->where.store().end_reservation();
      return ok;
    }
    x->reserved = true;
  }
  return {};
}

turn_plan::planned turn_plan::find(shard_map& where, const hashed_key& key,
                                   bool unlimited_too) {
  auto& owner = where.home(key);
  if (!unlimited_too && !owner.store().limited())
    return {};
  auto in = std::find_if(shards_.begin(), shards_.end(),
                         [&](auto& x) { return &x->where == &owner; });
  if (in == shards_.end())
    in = shards_.insert(in, std::make_unique<shard_plan>(owner));
  auto& plan = **in;
  auto at = plan.keys.find(key.key);
  if (at == plan.keys.end()) {
    auto present = owner.store().occupied_by(key);
    if (!present)
      refuse(std::move(present.error()));
    const auto now = present.value_or(occupancy{});
    const auto stays = now.live && !now.expires && !now.idles;
    at = plan.keys.emplace(key.key, key_plan{now, now.linked, stays}).first;
  }
  return {&plan, &at->second};
}

void turn_plan::put(const planned& what, const hashed_key& key, occupancy next,
                    step how, std::size_t block) {
  if (what.in == nullptr)
    return;
  const auto& now = what.key->now;
  next.linked = true;
  if (how == step::depends) {
    next.value_size = std::max(next.value_size, now.value_size);
    next.tail_bytes = std::max(next.tail_bytes, now.tail_bytes);
    next.expires = next.expires || now.expires;
    next.idles = next.idles || now.idles;
  }
  next.charge = table::charge_of(key.key.size(), next, block);
  admit(what, next.charge);
  if (how == step::depends)
    next.charge = std::max(next.charge, now.charge);
  take(what, next, held_by(*what.key));
}

/// The key holds `next` from now on; before it held `before`.
void turn_plan::take(const planned& what, const occupancy& next,
                     demand::amount before) {
  auto& coming = what.in->coming;
  auto& key = *what.key;
  coming.change(before, {next.charge, 1});
  if (!key.now.linked || !key.counted)
    coming.insert(!key.has_place);
  key.has_place = true;
  key.counted = true;
  if (next.expires || next.idles)
    coming.expire();
  key.now = next;
  key.exact = false;
}

/// The key holds nothing from now on.
void turn_plan::leave(key_plan& key) noexcept {
  key.now = {};
  key.exact = false;
}

void turn_plan::admit(const planned& what, std::size_t charge) {
  if (auto ok = what.in->where.store().admit(charge); !ok)
    refuse(std::move(ok.error()));
}

/// The first refusal is reported.
void turn_plan::refuse(error why) {
  if (!refusal_)
    refusal_ = std::move(why);
}

} // namespace troupe::memory
