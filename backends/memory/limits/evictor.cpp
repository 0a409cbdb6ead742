#include <troupe/backends/memory/limits/evictor.hpp>

#include <new>

#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/space/slab.hpp>

namespace troupe::memory {

void evictor::set_policy(const index& links, eviction_policy x) noexcept {
  if (x == policy_)
    return;
  policy_ = x;
  for (std::size_t i = 0; i < links.bucket_count(); ++i)
    links.for_each_in(i, [](index_slot y) { y.in->set_young(y.slot, false); });
  queue_ = {};
  young_bytes_ = 0;
  ghosts_ = {};
}

void evictor::added(index_slot where, std::uint64_t hash,
                    std::size_t bytes) noexcept {
  if (policy_ != eviction_policy::s3_fifo || ghosts_.take(hash))
    return;
  try {
    queue_.push_back(hash);
  } catch (const std::bad_alloc&) {
    return; // It is an old one, then.
  }
  where.in->set_young(where.slot, true);
  young_bytes_ += bytes;
}

void evictor::settle(const index& links, bool full, std::size_t used) noexcept {
  auto too_young = !full && young_bytes_ * small_share > used;
  auto too_long = queue_.size() * sizeof(entry) * small_share > used;
  if ((too_young || too_long) && !queue_.empty())
    if (auto oldest = pop_young(links); oldest.where.in != nullptr)
      promote(oldest.where);
}

/// Removes the oldest hash from the queue and finds its entry, if it is still linked.
/// Of several entries with its tag, returns the right one: otherwise that entry would
/// stay young forever when a split separates it from the others.
victim evictor::pop_young(const index& links) noexcept {
  popped_ = queue_.front();
  queue_.pop_front();
  auto number = links.number_of(popped_);
  victim result;
  for (auto* b = &links.bucket_at(number); b != nullptr; b = links.next(*b))
    for (auto fits = b->with_tag(tag_of(popped_)); !fits.empty();
         fits.drop_first()) {
      const index_slot x{b, fits.first()};
      if (!b->young(x.slot))
        continue;
      if (result.where.in == nullptr || hash_key(x.item()->key()) == popped_)
        result = {x, number};
    }
  return result;
}

/// Makes a young entry an old one; its uses stay.
void evictor::promote(index_slot where) noexcept {
  where.in->set_young(where.slot, false);
  young_bytes_ -= footprint(*where.item());
}

victim evictor::choose(const index& links, const entry* spared,
                       std::size_t used, std::size_t entries) noexcept {
  if (policy_ == eviction_policy::none
      || entries <= (spared == nullptr ? 0 : 1))
    return {};
  if (policy_ == eviction_policy::s3_fifo) {
    // As many ghosts as the main part has entries; allocated at the first eviction, and
    // again when there are far more or far fewer entries.
    if (ghosts_.capacity() < entries / 2 || ghosts_.capacity() / 4 > entries)
      ghosts_.resize(entries - entries / small_share);
    if (auto x = choose_young(links, spared, used); x.where.in != nullptr)
      return x;
  }
  return choose_old(links, spared);
}

void evictor::keep(index_slot where) noexcept {
  if (!where.in->young(where.slot))
    return;
  static_cast<void>(ghosts_.take(popped_));
  promote(where);
}

/// A young entry that was not read, when there are too many young ones.
victim evictor::choose_young(const index& links, const entry* spared,
                             std::size_t used) noexcept {
  while (!queue_.empty() && young_bytes_ * small_share > used) {
    auto x = pop_young(links);
    auto [in, slot] = x.where;
    if (in == nullptr)
      continue;
    if (x.where.item() != spared && in->uses(slot) < promotion_uses) {
      ghosts_.add(popped_);
      return x;
    }
    promote(x.where);
    in->set_uses(slot, 0);
  }
  return {};
}

/// The next old entry that was not read since the hand passed it. Each round takes a
/// use from every entry, so after three rounds one is without uses, unless readers are
/// faster than the hand; for that case the search is bounded.
victim evictor::choose_old(const index& links, const entry* spared) noexcept {
  auto patience = (bucket::most_uses + 1) * links.bucket_count() + 1;
  if (hand_bucket_ >= links.bucket_count())
    hand_bucket_ = 0;
  victim last_resort;
  while (patience > 0) {
    auto* b = &links.bucket_at(hand_bucket_);
    auto place = hand_place_;
    for (; b != nullptr && place >= bucket::width; place -= bucket::width)
      b = links.next(*b);
    if (b == nullptr) {
      move_hand(links);
      --patience;
      continue;
    }
    ++hand_place_;
    victim x{{b, place}, hand_bucket_};
    if (x.where.word().load(std::memory_order_relaxed) == 0
        || x.where.item() == spared)
      continue;
    if (b->young(place)) {
      last_resort = x;
      continue;
    }
    auto uses = b->uses(place);
    if (uses == 0)
      return x;
    b->set_uses(place, uses - 1);
    last_resort = x;
  }
  return last_resort;
}

/// Moves to the next bucket, and prefetches the one after it.
void evictor::move_hand(const index& links) noexcept {
  links.prefetch_bucket(hand_bucket_ + 2);
  hand_place_ = 0;
  if (++hand_bucket_ >= links.bucket_count())
    hand_bucket_ = 0;
}

std::string evictor::validate(const index& links) const {
  std::size_t young = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < links.bucket_count(); ++i)
    links.for_each_in(i, [&](index_slot x) {
      if (!x.in->young(x.slot))
        return;
      ++young;
      bytes += footprint(*x.item());
    });
  if (bytes != young_bytes_)
    return "young entries have " + std::to_string(bytes) + " bytes, counted "
           + std::to_string(young_bytes_);
  if (young > queue_.size())
    return "more entries are young than the queue knows";
  return {};
}

} // namespace troupe::memory
