#pragma once

// A turn in the mailboxes of several shards at once: for what must change, or
// look at, several keys as one (transactions, renaming).
//
//   shard 3 ──────▌hold▐─────────────────────────────────────▌leave▐──
//   shard 7 ─────────────────▌hold▐──────────────────▌leave▐──────────
//                                  operations, by this thread
//
// Invariants
//   1. Mailboxes are entered by ascending `shard::number`, whoever enters and
//      whatever for, and a thread that holds some enters no further ones. So no
//      two turns wait for each other.
//   2. While a turn lasts, no operation of others runs in its shards. Lock-free
//      reads go on; they see each change as it happens.
//   3. While a turn lasts, nothing in its regions is invalidated or cleared, but by its
//      own thread (a clear). So such an invalidation finds all of it, or nothing. Regions
//      are entered after all mailboxes, by the addresses of their tags.
//   4. A turn begins only when the shards of its keys run and nobody holds an update
//      lease of these. It waits for either without holding any mailbox.

#include <deque>
#include <optional>
#include <vector>

#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard_map;

/// Lives on one thread. Between `begin` and `end`, the calls of this thread to
/// the regions run at once, for keys of the shards that were added; calls that
/// concern other shards must not be made then.
class joint_turn {
public:
  joint_turn() = default;

  /// As `end`.
  ~joint_turn();

  joint_turn(const joint_turn&) = delete;
  joint_turn& operator=(const joint_turn&) = delete;

  /// Adds a key and its shard. Before `begin`; the key must be valid until
  /// then.
  void add(shard_map& where, const hashed_key& key);

  /// Adds all shards of a region, which need not run: nothing changes in them then,
  /// but for a clear. Before `begin`.
  void add_all(shard_map& where);

  /// Waits for the turn. Holds nothing after an error: `shard_down`,
  /// `shutting_down`, `timeout` (a shard was not restarted or an update not
  /// finished in time). Complexity: n log n in what was added, plus the waits.
  expected<void> begin();

  /// As `begin`, but does not wait for a restart or an update: false where it would
  /// have to, and holds nothing then.
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
