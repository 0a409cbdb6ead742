#pragma once

// A turn in the mailboxes of several shards at once, to change or read several keys in
// one step (transactions, renaming).
//
//   shard 3 ──────▌hold▐─────────────────────────────────────▌leave▐──
//   shard 7 ─────────────────▌hold▐──────────────────▌leave▐──────────
//                                  operations, by this thread
//
// Invariants
//   1. Every thread enters mailboxes by ascending `shard::number`, for whatever
//      purpose, and a thread that holds some enters no further ones. So no two turns
//      wait for each other.
//   2. During a turn, no operation of another caller runs in its shards. Lock-free
//      reads continue; they see each change as it happens.
//   3. During a turn, nothing in its regions is invalidated or cleared, except by its
//      own thread (a clear). So an invalidation comes before all of the turn or after
//      it. Regions are entered after all mailboxes, by the addresses of their tags.
//   4. A turn begins only when the shards of its keys run and no update lease of these
//      keys is held. It waits for both without holding any mailbox.

#include <deque>
#include <optional>
#include <vector>

#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard_map;

/// Used by one thread. Between `begin` and `end`, this thread's calls to the regions
/// run at once for keys of the shards that were added. Calls for other shards must not
/// be made then.
class joint_turn {
public:
  joint_turn() = default;

  /// Calls `end`.
  ~joint_turn();

  joint_turn(const joint_turn&) = delete;
  joint_turn& operator=(const joint_turn&) = delete;

  /// Adds a key and its shard. Must be called before `begin`; the key must be valid
  /// until then.
  void add(shard_map& where, const hashed_key& key);

  /// Adds all shards of a region, which need not run: nothing changes in them during
  /// the turn, except by a clear. Must be called before `begin`.
  void add_all(shard_map& where);

  /// Waits for the turn. After an error it holds nothing: `shard_down`,
  /// `shutting_down`, `timeout` (a shard was not restarted, or an update did not end,
  /// in time). Complexity: n log n in the places added, plus the waits.
  expected<void> begin();

  /// Like `begin`, but does not wait for a restart or an update: where it would wait,
  /// it returns false and holds nothing.
  [[nodiscard]] bool try_begin();

  /// Ends the turn and forgets the shards.
  void end() noexcept;

private:
  /// What the turn concerns: a key, or all keys of a shard.
  struct place {
    shard* where;
    std::optional<hashed_key> key;
  };

  struct region_hold {
    explicit region_hold(store& any) : step(any.keep_out_invalidations()) {
      // nop
    }

    tag_step step;
  };

  const place* enter_all();
  void enter();
  void enter_regions();
  void leave() noexcept;
  [[nodiscard]] const place* obstacle() const;

  std::vector<place> places_; ///< By ascending number, once begun.
  std::deque<lane_hold> holds_;
  std::vector<shard*> held_; ///< In the order of `holds_`.
  std::deque<region_hold> regions_;
};

} // namespace troupe::memory
