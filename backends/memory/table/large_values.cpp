// The part of a table for large values. Entries share them, so that a move of a value
// to another key, or a new deadline, does not copy the value; and it appends to them in
// place.

#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <cstring>

namespace troupe::memory {

namespace {

/// When an append fills a block from malloc, the next block has this part of the size
/// as spare room, which is charged: so appends copy a few bytes for each byte that they
/// add.
constexpr std::size_t spare_share = 4;

} // namespace

put_result table::put_large(const position& where, const hashed_key& key,
                            bytes_view value, const entry_attributes& with,
                            value_buffer* gathered) noexcept {
  if (gathered != nullptr && gathered->view().data() == value.data()
      && gathered->size() == value.size()) {
    auto* block = gathered->release();
    block->hold();
    const auto result = place_any(where, key, value, block, with);
    if (result == put_result::done)
      block->release();
    else
      gathered->take_back(*block, value.size());
    return result;
  }
  large_block* block = nullptr;
  if (auto why = make_block(where, key, value.size(), 0, with, block);
      why != put_result::done)
    return why;
  std::memcpy(block->data(), value.data(), value.size());
  return place_any(where, key, {block->data(), value.size()}, block, with);
}

/// Makes a block for a new entry's value, with `spare` more bytes where they may be
/// charged. The limit is checked before bytes are copied.
put_result table::make_block(const position& where, const hashed_key& key,
                             std::size_t size, std::size_t spare,
                             const entry_attributes& with,
                             large_block*& result) noexcept {
  const auto admitted = [&](std::size_t capacity) {
    return admit_large(charges_with(where, key.key, with,
                                    large_block::footprint_of(size, capacity)),
                       where, with);
  };
  if (spare > 0 && (reserved_ || admitted(size + spare) != put_result::done))
    spare = 0;
  if (spare == 0)
    if (auto why = admitted(size); why != put_result::done)
      return why;
  result = large_block::make(size + spare);
  return result == nullptr ? put_result::no_memory : put_result::done;
}

put_result table::splice(const position& where, const hashed_key& key,
                         bytes_view old, std::size_t offset, bytes_view part,
                         const entry_attributes& with) {
  const auto end = offset + part.size();
  const auto size = std::max(old.size(), end);
  const auto kept = std::min(old.size(), offset);
  const auto write = [&](char* to, bool zeroed) {
    // Zero pages need not be touched, least of all in a shard's turn.
    if (!zeroed && offset > kept)
      std::memset(to + kept, 0, offset - kept);
    if (!part.empty())
      std::memcpy(to + offset, part.data(), part.size());
  };
  if (size <= largest_inline) {
    troupe::bytes whole(size, '\0');
    old.copy(whole.data(), old.size());
    write(whole.data(), false);
    return put(where, key, whole, with);
  }
  const auto appends = offset >= old.size();
  if (appends && where.item != nullptr && where.item->large()
      && old.data() == where.item->value().data()) {
    auto& block = *where.item->hold().block;
    if (block.can_append(old.size(), size - old.size())) {
      // Touched pages take memory: check the limit first.
      if (auto why = admit_large(
            charges_with(where, key.key, with, block.footprint(size)), where,
            with);
          why != put_result::done)
        return why;
      write(block.data(), false);
      block.hold();
      return place_any(where, key, {block.data(), size}, &block, with);
    }
  }
  const auto spare = appends && !old.empty() ? size / spare_share : 0;
  large_block* block = nullptr;
  if (auto why
      = make_block(where, key, size,
                   size < large_block::own_mapping ? spare : 0, with, block);
      why != put_result::done)
    return why;
  if (kept > 0)
    std::memcpy(block->data(), old.data(), kept);
  write(block->data(), block->begins_with_zeros());
  if (end < size)
    std::memcpy(block->data() + end, old.data() + end, size - end);
  return place_any(where, key, {block->data(), size}, block, with);
}

put_result table::put_copy(const position& where, const hashed_key& key,
                           const entry& source,
                           const entry_attributes& with) noexcept {
  if (!source.large())
    return put(where, key, source.value(), with);
  auto* block = source.hold().block;
  block->hold();
  return place_any(where, key, source.value(), block, with);
}

put_result table::move(const position& source, table& to, const position& where,
                       const hashed_key& key,
                       const entry_attributes& with) noexcept {
  auto& item = *source.item;
  const auto here = &to == this;
  const auto freed = footprint(item);
  auto* block = item.large() ? item.hold().block : nullptr;
  const auto all
    = block == nullptr ? slab::footprint(
        entry::block_size(key.key.size(), item.value_size(), with))
                       : to.charges_with(where, key.key, with,
                                         block->footprint(item.value_size()))
                           .all;
  if (to.limited_ && &to.bytes_.source() != &bytes_.source()
      && all + buckets_per_put * sizeof(bucket) > to.largest_charge_)
    return put_result::too_large;
  const auto added = where.item == nullptr ? std::size_t{1} : 0;
  auto evicts = false;
  // The turn's plan relies on that: see turn_plan.
  if (reserved_ && to.reserved_ && !here && shares_limits_with(to)) {
    bytes_.pass_on(freed, to.bytes_);
    entries_.pass_on(1, to.entries_);
  }
  if (to.limited_) {
    // In addition to what the source gives: what a longer key takes, and the index.
    auto bytes = to.charged() + all + added * bytes_per_bucket;
    auto tolerated = credit_of_slots + all - std::min(all, freed);
    if (auto& g = to.newest(); with.expiry() != never && g.wheel.bytes() == 0) {
      bytes += g.links.bucket_count() * timing_wheel::bytes_per_item;
      tolerated += g.links.bucket_count() * timing_wheel::bytes_per_item;
    }
    if (where.item != nullptr)
      bytes -= footprint(*where.item);
    if (!to.provide(bytes - (here ? freed : 0),
                    to.size_.load(std::memory_order_relaxed) + added
                      - (here ? 1 : 0),
                    tolerated, *this, freed, evicts))
      return put_result::no_room;
  }
  if (block != nullptr)
    block->hold();
  entry* moved = nullptr;
  if (auto why = to.link_any(where, key, item.value(), block, with, moved);
      why != put_result::done) {
    if (block != nullptr)
      block->release();
    bytes_.overdraw(charged());
    entries_.overdraw(size_.load(std::memory_order_relaxed));
    return why;
  }
  // From here on no step can fail.
  auto& g = newest();
  tell(item, removal_cause::erased);
  record_removal(item, key_event_kind::moved);
  g.goes_next.removed(source.found, freed);
  index::unlink(source.found);
  add(size_, ~std::size_t{0});
  add(live_bytes_, -freed);
  retire(item, block == nullptr ? freed : freed - hand_over(item));
  ++version_;
  g.links.tidy(source.number);
  if (!here || added == 0)
    shrink();
  publish_charge();
  to.publish_charge();
  auto& h = to.newest();
  if (!here && added > 0 && !to.reserved_
      && (!to.limited_
          || to.bytes_.cover(
            to.charged() + h.links.buckets_per_split() * bytes_per_bucket))) {
    to.grow();
    to.publish_charge();
  }
  if (evicts)
    to.enforce(moved);
  else if (to.limited_)
    h.goes_next.settle(h.links, to.full_, to.charged());
  // Nothing stays overdrawn when capacity is available.
  for (auto* x : {this, &to})
    if (!x->reserved_)
      x->bytes_.give_up(std::min(x->bytes_.source().most_overdrawn(),
                                 x->bytes_.lent_beyond(x->charged())));
  return put_result::done;
}

/// Makes sure that `bytes` and `entries` are lent to this table, with the amounts that
/// `from` is about to free where there is no more: no other shard is lent these
/// meanwhile, because the budgets are overdrawn until they are returned. A rest stays
/// overdrawn when it is at most `tolerated`; otherwise other entries must be evicted
/// for it (`evicts`). False when the policy evicts nothing; nothing has changed then.
bool table::provide(std::size_t bytes, std::size_t entries,
                    std::size_t tolerated, table& from, std::size_t freed,
                    bool& evicts) noexcept {
  const auto lent_bytes = bytes_.granted();
  const auto lent_entries = entries_.granted();
  const auto borrow = [&](allowance& to, std::size_t used, allowance& giver,
                          std::size_t giver_used, std::size_t most) {
    if (to.cover(used))
      return true;
    const auto missing = to.lack(used);
    const auto before = to.source().most_overdrawn();
    to.overdraw(used);
    if (&to != &giver)
      giver.give_up(std::min(missing, giver.lent_beyond(giver_used)));
    const auto rest = to.source().most_overdrawn();
    if (rest <= std::max(before, most))
      return true;
    to.give_up(std::min(missing, rest - before));
    return false;
  };
  const auto fits_bytes
    = borrow(bytes_, bytes, from.bytes_, from.charged() - freed, tolerated);
  const auto fits_entries
    = borrow(entries_, entries, from.entries_,
             from.size_.load(std::memory_order_relaxed) - 1, 0);
  if (fits_bytes && fits_entries)
    return true;
  if (eviction_ != eviction_policy::none) {
    evicts = true;
    return true;
  }
  bytes_.keep(lent_bytes);
  entries_.keep(lent_entries);
  from.bytes_.overdraw(from.charged());
  from.entries_.overdraw(from.size_.load(std::memory_order_relaxed));
  return false;
}

} // namespace troupe::memory
