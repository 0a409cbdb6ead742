#pragma once

// The entries of one shard: index, slab, expiry wheel, eviction and retired list
// as one. A clear puts a new generation (an empty index and an empty slab) in
// place of the old one, whatever its size, and the old one goes as a whole when no
// reader is left.
//
//   table.cpp               putting, removing, clearing
//   table_large.cpp         large values: sharing them, appending to them
//   table_reading.cpp       reading what is not plain
//   table_limits.cpp        what is charged, and who goes when that is too much
//   table_housekeeping.cpp  what happens later: expiry, what tags killed, checks
//   table_compaction.cpp    moving entries out of chunks that are nearly empty

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/limits/deadline_step.hpp>
#include <troupe/backends/memory/limits/demand.hpp>
#include <troupe/backends/memory/limits/evictor.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/limits/timing_wheel.hpp>
#include <troupe/backends/memory/space/slab.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/table/table_options.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// One writer; `read`, `find`, `scan` and the prefetches from any thread inside an
/// epoch guard, the counters from anywhere. Knows no leases. Gives the space of
/// dead entries back, but its changes do not ask whether one is dead.
class table {
public:
  /// Throws std::bad_alloc.
  explicit table(const table_options& options = {});
  ~table();

  table(const table&) = delete;
  table& operator=(const table&) = delete;

  /// Calls `f(const entry_view&)` when the key has a live entry; tells whether.
  /// Finds nothing in a table that was stopped.
  template <class F>
  bool read(const hashed_key& key, lookup as, F&& f) const;

  /// Whether its invalidations were stopped: it is empty to all, for good, and
  /// must not be changed any more.
  [[nodiscard]] bool stopped() const noexcept {
    return forgotten_.stopped();
  }

  /// See `index::find`. The entry lives at least as long as the guard.
  [[nodiscard]] const entry* find(const hashed_key& key) const noexcept {
    auto& x = *current_.load(std::memory_order_acquire);
    if (x.era != forgotten_.era()) [[unlikely]]
      return nullptr;
    return x.links.find(key);
  }

  void prefetch_bucket(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_bucket(hash);
  }

  void prefetch_entry(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_entry(hash);
  }

  /// See `index::scan`. Positions stay good over a clear; what is put after it
  /// counts as new.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    auto& x = *current_.load(std::memory_order_acquire);
    return x.era == forgotten_.era() ? x.links.scan(from, std::forward<F>(f))
                                     : scan_end;
  }

  static constexpr std::uint64_t scan_end = index::scan_end;

  /// Whether an entry is past its deadline or was killed by a tag. Asks the
  /// clock only when there is a deadline: most reads do without.
  [[nodiscard]] bool dead(const entry& x) const noexcept {
    return expired(x) || (x.tagged() && killed(x));
  }

  /// Whether it is past its deadline.
  [[nodiscard]] bool expired(const entry& x) const noexcept {
    return x.expires() && x.expired(time_.now());
  }

  /// For the writer: what is in an entry that lives, which is a use of it; nothing
  /// when it is dead.
  [[nodiscard]] std::optional<entry_view> use(const entry& x) const noexcept {
    return see(newest(), x, lookup::use, now_for(x));
  }

  // -- the writer --------------------------------------------------------------

  using position = index::position;

  /// Whether a clear came since the last `renew`, or a stop: all entries are dead
  /// then.
  [[nodiscard]] bool stale() const noexcept {
    return newest().era != forgotten_.era();
  }

  /// Removes all entries at once and takes a version. False when there is no
  /// memory for an empty table. Constant time; readers inside a guard keep what
  /// they see. Sweeps see off those with tags, and all of them for the sink.
  [[nodiscard]] bool renew() noexcept;

  /// To be made before the look whether the entry at `where` lives, by a change that
  /// depends on it; see deadline_step.hpp. `which`: the first or second such key of
  /// the change.
  [[nodiscard]] deadline_step decide(const position& where, std::uint64_t hash,
                                     std::size_t which = 0) noexcept {
    return {deciding_, hash,
            where.item != nullptr && where.item->has_deadline(), which};
  }

  /// Only in a table that is not stale, as all that follows.
  [[nodiscard]] position locate(const hashed_key& key) noexcept {
    return newest().links.locate(key);
  }

  /// Puts an entry at `where`, in place of the one that stands there, if any,
  /// under the next version; others are evicted for it where a limit wants it.
  /// Tags of `with` are in use, or those of that entry. Takes the memory of `gathered`,
  /// if that is given and `value` is all of it, for the entry's. Amortised
  /// constant time.
  [[nodiscard]] put_result put(const position& where, const hashed_key& key,
                               bytes_view value, const entry_attributes& with,
                               value_buffer* gathered = nullptr) noexcept;

  /// Puts an entry at `where` with the present value, `old`, which is empty or that
  /// of `where.item`, and `part` in it from `offset` on; zeros fill a gap. To append
  /// to a large value takes no longer than to write the part, amortised; any other
  /// change of one copies it once. Throws std::bad_alloc.
  [[nodiscard]] put_result
  splice(const position& where, const hashed_key& key, bytes_view old,
         std::size_t offset, bytes_view part, const entry_attributes& with);

  /// Puts an entry at `where` with the value of `source`, of any table. A large
  /// value is not copied.
  [[nodiscard]] put_result put_copy(const position& where,
                                    const hashed_key& key, const entry& source,
                                    const entry_attributes& with) noexcept;

  /// Removes the entry at `source` and puts one with its value at `where` of
  /// `to`, which may be this table. What the one was charged covers the other: so
  /// nothing is evicted for it, but for what a longer key takes. A large value is
  /// not copied. In both writers' place; `key` is not that of `source`.
  [[nodiscard]] put_result move(const position& source, table& to,
                                const position& where, const hashed_key& key,
                                const entry_attributes& with) noexcept;

  /// Larger values, in bytes, are in a large_block.
  static constexpr std::size_t largest_inline = slab::largest_block;

  /// Removes the entry at `where.item`; takes a version.
  void remove(const position& where) noexcept;

  /// Gives the entry at `where.item` another deadline and the next version. One
  /// with an idle time keeps that, and idles from now on.
  [[nodiscard]] put_result touch(const position& where, const hashed_key& key,
                                 time_point deadline) noexcept;

  /// The version of the newest change.
  [[nodiscard]] version_number version() const noexcept {
    return version_;
  }

  /// Takes a version for a change that left the entries alone.
  void skip_version() noexcept {
    ++version_;
  }

  /// Fetches what the next write of a key with this hash will touch. From any
  /// thread inside an epoch guard.
  void prefetch_for_write(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&size_, 1);
    current_.load(std::memory_order_acquire)
      ->links.prefetch_bucket_for_write(hash);
  }

  // -- the writer: limits ------------------------------------------------------

  /// What one entry may be charged, its part of the index included: half of the
  /// smallest limit that holds for it.
  [[nodiscard]] std::size_t largest_charge() const noexcept {
    return largest_charge_;
  }

  /// The limit that `largest_charge` is half of.
  [[nodiscard]] const budget& narrowest_bytes() const noexcept {
    return bytes_.source().narrowest();
  }

  /// Whether there is a limit.
  [[nodiscard]] bool limited() const noexcept {
    return limited_;
  }

  /// Whether both borrow what they hold from the same budgets.
  [[nodiscard]] bool shares_limits_with(const table& other) const noexcept {
    return &bytes_.source() == &other.bytes_.source()
           && &entries_.source() == &other.entries_.source();
  }

  [[nodiscard]] eviction_policy eviction() const noexcept {
    return eviction_;
  }

  /// What is under a key. Constant time.
  [[nodiscard]] occupancy occupied_by(const hashed_key& key) noexcept;

  /// What an entry is charged that has the value, the tags and the deadlines of
  /// `what`; with at least `block` bytes for a large value.
  [[nodiscard]] static std::size_t charge_of(std::size_t key_size,
                                             const occupancy& what,
                                             std::size_t block) noexcept;

  /// Whether the limits admit an entry with this charge at all.
  [[nodiscard]] bool admits(std::size_t charge) const noexcept;

  /// Borrows what the coming changes of this turn take; tells whether it could. From
  /// then on until `end_reservation` nothing but these changes spends it, and nobody
  /// takes it away. Does nothing where entries are evicted, or without a limit.
  [[nodiscard]] bool reserve(const demand& coming) noexcept;

  void end_reservation() noexcept;

  /// Another policy from now on.
  void set_eviction(eviction_policy x) noexcept;

  /// Does what a change of a limit wants: keeps no more than this.
  void obey_limits(std::size_t bytes, std::size_t entries) noexcept;

  /// Returns up to a piece of bytes and of entries to the budgets, for other shards.
  /// Evicts entries for that, but none that is much larger than the piece.
  void yield_piece() noexcept;

  /// An amount of what budgets lend.
  struct amounts {
    std::size_t bytes = 0;
    std::size_t entries = 0;
  };

  /// Returns up to `most` of the table's grants to the budgets: first what its entries
  /// do not use, then what it evicts for that, as far as `how` allows. Under the policy
  /// `none` it evicts nothing.
  void give(amounts most, sacrifice how) noexcept;

  /// Has others give what this table was asked for and did not have.
  void pass_on(amounts most) noexcept;

  /// The most by which a budget that it borrows from is overdrawn.
  [[nodiscard]] amounts overdrawn() const noexcept {
    return {bytes_.source().most_overdrawn(),
            entries_.source().most_overdrawn()};
  }

  // -- the writer: housekeeping ------------------------------------------------

  /// Frees the space of dead entries, of `buckets` buckets at most, and what
  /// readers have let go of.
  void sweep(std::size_t buckets) noexcept;

  /// Frees retired memory that no reader holds.
  void collect() noexcept;

  // -- any thread --------------------------------------------------------------

  /// Whether a sweep would find anything to look at.
  [[nodiscard]] bool wants_sweep() const noexcept;

  /// Entries with a deadline.
  [[nodiscard]] std::size_t expiring() const noexcept {
    return forgotten() ? 0 : expiring_.load(std::memory_order_relaxed);
  }

  /// The mean of the deadlines, to within a tenth of a second; `never` when no
  /// entry has one. Constant time. Who works on an entry meanwhile may shift it by
  /// what that counts for.
  [[nodiscard]] time_point mean_deadline() const noexcept;

  /// Entries, dead ones included whose space was not freed yet.
  [[nodiscard]] std::size_t size() const noexcept {
    return forgotten() ? 0 : size_.load(std::memory_order_relaxed);
  }

  /// What the entries are charged, in bytes: their blocks and their part of
  /// index, wheel and queues.
  [[nodiscard]] std::size_t charged() const noexcept {
    return charged_.load(std::memory_order_relaxed);
  }

  /// Memory taken for entries and index.
  [[nodiscard]] std::size_t bytes() const noexcept {
    epoch_guard guard;
    auto& x = *current_.load(std::memory_order_acquire);
    return x.blocks.reserved() + x.links.bytes();
  }

  /// Bytes that the slab holds for nobody.
  [[nodiscard]] std::size_t vacant_bytes() const noexcept;

  /// Entries that were moved so that their chunk could be given back.
  [[nodiscard]] std::uint64_t relocations() const noexcept {
    return relocations_.load(std::memory_order_relaxed);
  }

  /// What waits for readers.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_.bytes() + dying_.bytes()
           + fading_bytes_.load(std::memory_order_relaxed);
  }

  /// Entries that had to go because of a limit.
  [[nodiscard]] std::uint64_t evictions() const noexcept {
    return evictions_.load(std::memory_order_relaxed);
  }

  /// Entries whose space was freed because their deadline had passed.
  [[nodiscard]] std::uint64_t expirations() const noexcept {
    return expirations_.load(std::memory_order_relaxed);
  }

  /// Whether more is there than was lent. Only where nothing is evicted; else what
  /// is there is lent, if by overdrawing the budget.
  [[nodiscard]] bool in_debt() const noexcept {
    return charged() > bytes_.granted() || size() > entries_.granted();
  }

  /// What it was lent, in bytes and in entries.
  [[nodiscard]] std::size_t bytes_granted() const noexcept {
    return bytes_.granted();
  }

  [[nodiscard]] std::size_t entries_granted() const noexcept {
    return entries_.granted();
  }

  /// Whether `yield_piece` would give something to others, and leave as much.
  [[nodiscard]] bool can_yield() const noexcept {
    return bytes_.can_yield() || entries_.can_yield();
  }

  /// Whether these budgets, and no narrower ones, are what kept it from more when
  /// it asked last.
  [[nodiscard]] bool
  held_back_by(std::span<const budget* const> shared) const noexcept;

  /// What is wrong with the structure; empty when nothing is. For tests: in the
  /// writer's place, linear.
  [[nodiscard]] std::string validate() const;

  /// Adds to `by_id` how often its entries use each tag, those that a clear has left
  /// behind included. For tests, as `validate`.
  void count_tags(std::vector<std::uint32_t>& by_id) const;

private:
  /// Deadlines are summed up in ticks of 2^27 ns, an eighth of a second: so the
  /// sum of hundreds of millions of entries that live for a century fits 63 bits.
  static constexpr unsigned tick_bits = 27;

  [[nodiscard]] static std::uint64_t ticks_of(time_point deadline) noexcept {
    return static_cast<std::uint64_t>(deadline.time_since_epoch().count())
           >> tick_bits;
  }

  /// Buckets that one more entry mostly costs at once, at most: one by a split, one
  /// that its chain overflows into.
  static constexpr std::size_t buckets_per_put = 2;

  /// What a bucket is charged, its node of the wheel included.
  static constexpr std::size_t bytes_per_bucket
    = sizeof(bucket) + timing_wheel::bytes_per_item;

  struct generation {
    generation(const table_options& with, eviction_policy eviction,
               std::uint64_t now)
      : era(now), wheel(with.time->now()), goes_next(eviction) {
      // nop
    }

    std::uint64_t era;
    index links;
    slab blocks;
    timing_wheel wheel;
    evictor goes_next;
    /// The sum of the deadlines that slide, in ticks; readers add to it. Apart from
    /// what they look at.
    alignas(64) std::atomic<std::int64_t> sliding{0};
    std::size_t reclaim_bucket = 0; ///< The next to look at for killed entries.
    std::uint64_t reclaiming = 0;   ///< The kills that this turn began with.
    bool reclaim_again = false;     ///< A merge put something behind its back.
    /// After a clear: the next to be seen off, and the generation that was cleared
    /// before this one.
    std::size_t fade_bucket = 0;
    generation* fading_before = nullptr;
  };

  /// For the writer, who needs no guard.
  [[nodiscard]] generation& newest() const noexcept {
    return *current_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] bool killed(const entry& x) const noexcept {
    return forgotten_.tags().killed(x.born(), x.tags());
  }

  /// As `stale`, for any thread.
  [[nodiscard]] bool forgotten() const noexcept {
    return era_.load(std::memory_order_relaxed) != forgotten_.era();
  }

  /// The time, if it matters to the entry.
  [[nodiscard]] time_point now_for(const entry& x) const noexcept {
    return x.expires() ? time_.now() : time_point{};
  }

  static void add_sliding(generation& to, sliding_deadline::move x) noexcept {
    const auto ticks = ticks_of(x.to) - ticks_of(x.from);
    if (ticks != 0)
      to.sliding.fetch_add(static_cast<std::int64_t>(ticks),
                           std::memory_order_relaxed);
  }

  template <class F>
  [[gnu::noinline]] bool read_any(generation& g, index_slot near,
                                  bytes_view key, std::uint64_t hash, lookup as,
                                  F& f) const;
  [[nodiscard]] std::optional<entry_view>
  see(generation& in, const entry& x, lookup as, time_point now) const noexcept;
  [[nodiscard]] std::optional<entry_view>
  look_closely(bytes_view key, std::uint64_t hash, generation& in,
               const entry& found, lookup as) const noexcept;

  /// What is charged for an entry that is put.
  struct charges {
    std::size_t size;     ///< Bytes of the entry's own block.
    std::size_t block;    ///< What that takes.
    std::size_t all;      ///< With the block of a large value.
    std::size_t replaced; ///< What the entry takes that goes.
  };

  // For table.cpp alone, which has them inline.
  [[nodiscard]] inline static charges
  charges_of(const position& where, std::size_t size,
             std::size_t value_bytes) noexcept;
  [[nodiscard]] inline put_result admit(const charges& x, const position& where,
                                        const entry_attributes& with) noexcept;
  [[nodiscard]] inline put_result
  link(const position& where, const hashed_key& key, bytes_view value,
       large_block* block, const entry_attributes& with, const charges& x,
       bool announced, entry*& item) noexcept;
  [[nodiscard]] inline put_result
  place(const position& where, const hashed_key& key, bytes_view value,
        large_block* block, const entry_attributes& with,
        bool announced) noexcept;

  // The same for all.
  [[nodiscard]] static charges
  charges_with(const position& where, bytes_view key,
               const entry_attributes& with, std::size_t value_bytes) noexcept;
  [[nodiscard]] put_result admit_large(const charges& x, const position& where,
                                       const entry_attributes& with) noexcept;
  [[nodiscard]] put_result
  link_any(const position& where, const hashed_key& key, bytes_view value,
           large_block* block, const entry_attributes& with,
           entry*& item) noexcept;
  [[nodiscard]] put_result
  place_any(const position& where, const hashed_key& key, bytes_view value,
            large_block* block, const entry_attributes& with,
            bool announced = true) noexcept;

  [[nodiscard]] put_result
  put_large(const position& where, const hashed_key& key, bytes_view value,
            const entry_attributes& with, value_buffer* gathered) noexcept;
  [[nodiscard]] put_result
  make_block(const position& where, const hashed_key& key, std::size_t size,
             std::size_t spare, const entry_attributes& with,
             large_block*& result) noexcept;
  void take_hold(entry& x, std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t hand_over(entry& x) noexcept;
  [[nodiscard]] bool provide(std::size_t bytes, std::size_t entries,
                             std::size_t tolerated, table& from,
                             std::size_t freed, bool& evicts) noexcept;
  [[nodiscard]] bool fits(std::size_t added, std::size_t freed,
                          std::size_t entries, bool expires) noexcept;
  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t entries) noexcept;
  void drop(index_slot where, removal_cause cause) noexcept;
  void tell_sink(const entry& x, removal_cause cause) noexcept;

  /// Tells the sink, if there is one.
  void tell(const entry& x, removal_cause cause) noexcept {
    if (removals_.listening()) [[unlikely]]
      tell_sink(x, cause);
  }

  void retire(entry& x, std::size_t bytes) noexcept;
  void count_attributes(const entry& x, bool in) noexcept;
  void count_deadline(const entry& x, bool in) noexcept;

  /// Counts what an entry that comes, or goes, has beside key and value.
  void count(const entry& x, bool in) noexcept {
    if (!x.bare())
      count_attributes(x, in);
  }

  [[nodiscard]] bool may_grow() noexcept;
  void grow() noexcept;
  void shrink() noexcept;
  void look_at_limits() noexcept;
  void enforce(const entry* spared) noexcept;
  void make_up_for_tags() noexcept;
  void make_room(const entry* spared) noexcept;
  bool borrow_from_others(std::size_t bytes, std::size_t entries,
                          yielding how) noexcept;
  void cover_rest() noexcept;

  /// For the writer: whether what is there was lent.
  [[nodiscard]] bool covered() const noexcept {
    return charged() <= bytes_.granted()
           && size_.load(std::memory_order_relaxed) <= entries_.granted();
  }

  void evict_to_grant(const entry* spared) noexcept;
  void evict_to(amounts most, sacrifice how, const entry* spared) noexcept;
  void publish_charge() noexcept;
  void look_at(std::size_t bucket) noexcept;
  [[nodiscard]] bool wants_compaction() const noexcept;
  void compact(std::size_t looked_at, std::size_t effort) noexcept;
  void compact_for(std::size_t bytes) noexcept;
  [[nodiscard]] std::optional<std::size_t>
  relocate(entry& item, std::uint64_t hash, time_point now) noexcept;
  void reclaim(std::size_t buckets) noexcept;
  void fade(std::size_t buckets) noexcept;
  [[nodiscard]] static std::size_t bytes_of(const generation& x) noexcept {
    return x.blocks.reserved() + x.links.bytes();
  }

  static void add(std::atomic<std::size_t>& where, std::size_t n) noexcept {
    where.store(where.load(std::memory_order_relaxed) + n,
                std::memory_order_relaxed);
  }

  const clock& time_;
  const table_options options_;
  invalidations& forgotten_;
  std::atomic<generation*> current_;
  retired_list dying_; ///< Generations.
  /// The last one cleared that entries must leave.
  generation* fading_ = nullptr;
  std::atomic<std::size_t> fading_bytes_{0};

  // What every write changes, apart from what readers look at and as close
  // together as can be: the processor that writes next has to fetch it from the
  // one that wrote last. Counters are written by the writer only, so plain
  // halves of an increment will do.
  alignas(64) std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> expiring_{0};
  /// Sum of those that stay, in ticks.
  std::atomic<std::uint64_t> deadlines_{0};
  version_number version_ = no_version;
  std::atomic<std::size_t> live_bytes_{0}; ///< In blocks of entries.
  std::atomic<std::size_t> charged_{0};
  std::size_t largest_charge_ = budget::unlimited;
  bool limited_ = false; ///< Somebody set a limit.
  bool full_ = false;    ///< Entries had to go, and it is nearly as full still.
  bool reserved_ = false; ///< What was lent is for certain changes.
  std::atomic<std::uint64_t> era_; ///< That of the newest generation.
  std::atomic<std::size_t> tagged_{0};
  std::atomic<std::size_t> evictions_{0};
  std::atomic<std::size_t> expirations_{0};
  std::atomic<std::size_t> relocations_{0};
  std::atomic<bool> compacting_{false};
  std::size_t owed_entries_ = 0; ///< Stored without a step of compaction.
  std::size_t owed_bytes_ = 0;   ///< The same in bytes.
  /// The vacant bytes when a compaction found nothing to do last.
  std::atomic<std::size_t> incompressible_{~std::size_t{0}};
  allowance bytes_;
  allowance entries_;
  eviction_policy eviction_;
  removal_sink& removals_;
  /// What was killed until then is gone.
  std::atomic<std::uint64_t> reclaimed_{0};
  retired_list retired_; ///< Entries of the current generation.
  deadline_witness deciding_;
};

// -- implementation --------------------------------------------------------------

template <class F>
[[gnu::always_inline]] inline bool table::read(const hashed_key& key, lookup as,
                                               F&& f) const {
  auto& g = *current_.load(std::memory_order_acquire);
  if (g.era != forgotten_.era()) [[unlikely]]
    return false;
  // What is frequent calls nothing, so that it has no registers to save: the
  // fewer instructions there are to a read, the earlier the processor comes to
  // the misses of the next one.
  const auto near = g.links.near(key.hash);
  const auto* item = near.in == nullptr ? nullptr : index::fetch(near);
  if (item == nullptr || !item->bare_with_short_key(key.key)) [[unlikely]]
    return read_any(g, near, key.key, key.hash, as, f);
  g.links.use(near);
  const auto view = item->bare_view(key.key.size());
  f(view);
  return true;
}

/// The long way of a read, for all that is not plain, short and near. The key's
/// entry may be `near`.
template <class F>
bool table::read_any(generation& g, index_slot near, bytes_view key,
                     std::uint64_t hash, lookup as, F& f) const {
  const auto* item = near.in == nullptr ? nullptr : index::fetch(near);
  if (item != nullptr && item->has_key(key))
    g.links.use(near);
  else if (item = g.links.find({key, hash}); item == nullptr)
    return false;
  entry_view view;
  if (item->plain()) [[likely]]
    view = item->plain_view();
  if (!item->plain()
      || (view.deadline != never && time_.now() >= view.deadline))
    [[unlikely]] {
    auto seen = look_closely(key, hash, g, *item, as);
    if (!seen)
      return false;
    view = *seen;
  }
  f(static_cast<const entry_view&>(view));
  return true;
}

} // namespace troupe::memory
