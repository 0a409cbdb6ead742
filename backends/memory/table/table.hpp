#pragma once

// The entries of one shard: index, slab, expiry wheel, eviction and retired list. A
// clear replaces the present generation, of any size, by a new one (an empty index and
// an empty slab); the old one is freed as a whole when no reader uses it.
//
// It consists of layers; each knows only those above it in this list:
//
//   generation.hpp      what a clear replaces
//   state.hpp           the parts of the table; its figures
//   reading.hpp         finds an entry and decides whether it lives
//   accounts.hpp        the bookkeeping for entries that are linked or unlinked
//   table.hpp           what its writer does:
//     table.cpp         putting, removing, clearing
//     large_values.cpp  large values: sharing them, appending to them
//     limits.cpp        borrows for what is charged, and evicts where that fails
//     housekeeping.cpp  expiry, removal of what tags killed, checks
//     compaction.cpp    moving entries out of chunks that are nearly empty

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/limits/deadline_step.hpp>
#include <troupe/backends/memory/limits/demand.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/table/accounts.hpp>
#include <troupe/backends/memory/table/table_options.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// One writer. `read`, `find`, `scan` and the prefetches are for any thread inside an
/// epoch guard, the counters for any thread. Knows no leases. Frees the memory of dead
/// entries, but its changes do not check whether an entry is dead.
class table : public table_accounts {
public:
  /// Throws std::bad_alloc.
  explicit table(const table_options& options = {});

  // -- changes -----------------------------------------------------------------

  /// Whether it was cleared since the last `renew`, or stopped: all entries are dead
  /// then.
  [[nodiscard]] bool stale() const noexcept {
    return newest().era != forgotten_.era();
  }

  /// Removes all entries at once and takes a version. False when there is no memory for
  /// an empty table. Constant time; readers inside a guard keep what they see. Later
  /// sweeps remove the old entries one by one where they have tags or the sink wants
  /// them.
  [[nodiscard]] bool renew() noexcept;

  /// Must be made, by a change that depends on it, before the check whether the entry
  /// at `where` lives; see deadline_step.hpp. `which`: the index of the key among the
  /// change's keys, 0 or 1.
  [[nodiscard]] deadline_step decide(const position& where, std::uint64_t hash,
                                     std::size_t which = 0) noexcept {
    return {deciding_, hash,
            where.item != nullptr && where.item->has_deadline(), which};
  }

  // The following only in a table that is not stale.

  /// Puts an entry at `where`, in place of the present one, if any, under the next
  /// version. Evicts other entries where a limit requires it. Tags of `with` must be in
  /// use, or be those of the present entry. Takes the memory of `gathered` for the
  /// entry, if it is given and `value` is all of it. Amortised constant time.
  [[nodiscard]] put_result put(const position& where, const hashed_key& key,
                               bytes_view value, const entry_attributes& with,
                               value_buffer* gathered = nullptr) noexcept;

  /// Puts an entry at `where` with the present value `old`, which is empty or the value
  /// of `where.item`, and `part` written into it from `offset` on; zeros fill a gap.
  /// Appending to a large value takes the time of writing the part, amortised; any
  /// other change of one copies it once. Throws std::bad_alloc.
  [[nodiscard]] put_result
  splice(const position& where, const hashed_key& key, bytes_view old,
         std::size_t offset, bytes_view part, const entry_attributes& with);

  /// Puts an entry at `where` with the value of `source`, of any table. A large value
  /// is not copied.
  [[nodiscard]] put_result put_copy(const position& where,
                                    const hashed_key& key, const entry& source,
                                    const entry_attributes& with) noexcept;

  /// Removes the entry at `source` and puts one with its value at `where` of `to`,
  /// which may be this table. The charge of the removed entry covers the new one:
  /// entries are evicted only for what a longer key takes. A large value is not copied.
  /// By the writer of both tables; `key` must not be the key of `source`.
  [[nodiscard]] put_result move(const position& source, table& to,
                                const position& where, const hashed_key& key,
                                const entry_attributes& with) noexcept;

  /// Removes the entry `where.item`; takes a version.
  void remove(const position& where) noexcept;

  /// Gives the entry `where.item` another deadline and the next version. An idle time
  /// stays and starts anew.
  [[nodiscard]] put_result touch(const position& where, const hashed_key& key,
                                 time_point deadline) noexcept;

  /// Takes a version for a change that left the entries unchanged.
  void skip_version() noexcept {
    ++version_;
  }

  // -- limits ------------------------------------------------------------------

  /// Borrows what the coming changes of this turn take; returns whether it could. From
  /// then on until `end_reservation` only these changes spend it, and no other shard
  /// takes it. Does nothing where entries are evicted, or without a limit.
  [[nodiscard]] bool reserve(const demand& coming) noexcept;

  void end_reservation() noexcept;

  /// Sets the policy.
  void set_eviction(eviction_policy x) noexcept;

  /// Obeys a changed limit: keeps no more than these amounts.
  void obey_limits(std::size_t bytes, std::size_t entries) noexcept;

  /// The bytes by which moves leave a limit overdrawn until capacity is available: their
  /// slots in the index, and as much for keys that are longer than before.
  static constexpr std::size_t credit_of_moves = 2 * credit_of_slots;

  /// Returns up to a piece of bytes and of entries to the budgets, for other shards.
  /// Evicts entries for that, but none that is much larger than the piece.
  void yield_piece() noexcept;

  /// Returns up to `most` of the table's grants to the budgets: first what its entries
  /// do not use, then what it evicts for that, as far as `how` allows. Under the policy
  /// `none` it evicts nothing.
  void give(amounts most, sacrifice how) noexcept;

  /// Makes other shards give what this table was asked for and did not have.
  void pass_on(amounts most) noexcept;

  // -- housekeeping ------------------------------------------------------------

  /// Whether a sweep would have work. From any thread.
  [[nodiscard]] bool wants_sweep() const noexcept;

  /// Frees the memory of dead entries of at most `buckets` buckets, and memory that no
  /// reader uses any more.
  void sweep(std::size_t buckets) noexcept;

  /// Frees retired memory that no reader uses.
  void collect() noexcept;

  /// Returns what is wrong with the structure, or an empty string. For tests: by the
  /// writer, linear.
  [[nodiscard]] std::string validate() const;

  /// Adds to `by_id` how often its entries use each tag, including entries that a clear
  /// has left. For tests, like `validate`.
  void count_tags(std::vector<std::uint32_t>& by_id) const;

private:
  // -- putting -----------------------------------------------------------------

  // For table.cpp alone, which inlines them.
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

  // The same for all sources.
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

  // -- large values ------------------------------------------------------------

  [[nodiscard]] put_result
  put_large(const position& where, const hashed_key& key, bytes_view value,
            const entry_attributes& with, value_buffer* gathered) noexcept;
  [[nodiscard]] put_result
  make_block(const position& where, const hashed_key& key, std::size_t size,
             std::size_t spare, const entry_attributes& with,
             large_block*& result) noexcept;
  [[nodiscard]] bool provide(std::size_t bytes, std::size_t entries,
                             std::size_t tolerated, table& from,
                             std::size_t freed, bool& evicts) noexcept;

  // -- limits ------------------------------------------------------------------

  [[nodiscard]] bool fits(std::size_t added, std::size_t freed,
                          std::size_t entries, bool expires) noexcept;
  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t entries) noexcept;
  [[nodiscard]] bool may_grow() noexcept;
  void look_at_limits() noexcept;
  void enforce(const entry* spared) noexcept;
  void make_up_for_tags() noexcept;
  void make_room(const entry* spared) noexcept;
  bool borrow_from_others(std::size_t bytes, std::size_t entries,
                          yielding how) noexcept;
  void cover_rest() noexcept;
  void evict_to_grant(const entry* spared) noexcept;
  void evict_to(amounts most, sacrifice how, const entry* spared) noexcept;

  // -- housekeeping ------------------------------------------------------------

  void look_at(std::size_t bucket) noexcept;
  void reclaim(std::size_t buckets) noexcept;
  void fade(std::size_t buckets) noexcept;
  [[nodiscard]] bool wants_compaction() const noexcept;
  void compact(std::size_t looked_at, std::size_t effort) noexcept;
  void compact_for(std::size_t bytes) noexcept;
  [[nodiscard]] std::optional<std::size_t>
  relocate(entry& item, std::uint64_t hash, time_point now) noexcept;
};

} // namespace troupe::memory
