#pragma once

// A shard owns one slice of a region's keys: a store, and the mailbox through
// which every change to it passes. This class is the shard itself; the thin
// actor around it (shard_actor.hpp) makes it addressable, and may crash and be
// replaced while this object, and with it every committed entry, stays.
//
// What becomes of operations is operated_store.hpp's; here is what the actor, its supervisor
// and the limits do with a shard.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <troupe/backends/core/lane.hpp>
#include <troupe/backends/memory/shards/operated_store.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/backends/provider_part.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/failed_shards.hpp>

namespace troupe::memory {

using shard_state = part_state;

/// Thread-safe unless a member says otherwise.
class shard final : public operated_store, public provider_part {
public:
  /// `executor` and the clock in `options` must outlive the shard. Starts in
  /// state `running`: an embedder without actors can use it as it is. `place`: its
  /// number in its region.
  shard(std::string name, const store_options& options,
        std::chrono::milliseconds op_timeout, lane_executor& executor,
        std::size_t place = 0);

  /// Ends as `stop` does. No caller may use the shard any more.
  ~shard();

  [[nodiscard]] const std::string& name() const noexcept override {
    return name_;
  }

  // -- for joint turns ---------------------------------------------------------

  /// The place of this shard among all of the process, in which joint turns
  /// enter mailboxes.
  [[nodiscard]] std::uint64_t number() const noexcept {
    return number_;
  }

  /// The number of this shard in its region.
  [[nodiscard]] std::size_t place() const noexcept {
    return place_;
  }

  /// Admits, at the end of a held turn, what that turn let go.
  void settle_turn() noexcept {
    admit_released();
  }

  // -- for lock-free reads -----------------------------------------------------

  /// Only `read`, `read_many` and the statistics may be called from outside
  /// the mailbox.
  [[nodiscard]] memory::store& store() noexcept {
    return store_;
  }

  [[nodiscard]] const memory::store& store() const noexcept {
    return store_;
  }

  /// Starts to fetch what a change of a key with this hash will touch, so that
  /// the cache misses of mailbox and store overlap.
  void prefetch_for_write(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&mailbox_, 1);
    store_.prefetch_for_write(hash);
  }

  // -- for the actor and its supervisor ----------------------------------------

  [[nodiscard]] lane& mailbox() noexcept override {
    return mailbox_;
  }

  [[nodiscard]] const lane& mailbox() const noexcept {
    return mailbox_;
  }

  void down() noexcept override;
  void up() noexcept override;

  /// What readers are to find nothing of is removed.
  void fail(failed_shards how = failed_shards::serve) noexcept override;

  [[nodiscard]] bool revive() noexcept override;

  /// The runtime ends: rejects everything with `shutting_down`. From anywhere.
  void stop() noexcept;

  [[nodiscard]] shard_state state() const noexcept override {
    return state_.load(std::memory_order_acquire);
  }

  void restarted() noexcept override {
    restarts_.fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t restarts() const noexcept {
    return restarts_.load(std::memory_order_relaxed);
  }

  void clear_then(std::function<void(expected<void>)> done) override;

  [[nodiscard]] contents held() const noexcept override {
    return {store_.entries().bytes(), store_.entries().size()};
  }

  /// Housekeeping in the shard's turn, when there is something to do: frees
  /// space of dead entries and ends overdue update leases. Skipped when the
  /// mailbox is busy, but for one of `sweep_patience` times in a row. Tells whether there
  /// is something. From one thread at a time.
  bool sweep() noexcept;

  /// The same at once, unless the mailbox is busy; tells whether it was done.
  /// From any thread.
  bool try_sweep() noexcept;

  /// Gives a piece of what the shard was lent back to its budget, evicting what
  /// does not fit then. Skipped when the mailbox is busy; tells whether it was
  /// done.
  bool yield_piece() noexcept;

  // -- for limits --------------------------------------------------------------

  /// Has the shard give back up to this of what it was lent, and tells how much
  /// it was; see `table::give`. Nothing when the mailbox is busy, unless this
  /// thread holds it. From any thread, inside a task of another mailbox as well.
  table::amounts try_give(table::amounts most, sacrifice how) noexcept;

  /// The same in the shard's next turn, evicting, as far as the budgets are
  /// overdrawn by then. Without memory for the task it is left to the rebalancer.
  void give_soon(table::amounts most) noexcept;

  /// Runs `f(table&)`, which does not throw, in the shard's turn, whatever
  /// the state of the actor around it, so that it cannot fail. A thread that holds
  /// the mailbox runs it at once. Must not be called from inside a task of this
  /// mailbox.
  template <class F>
  void maintain(F&& f) noexcept;

  static constexpr unsigned sweep_patience = 10;

private:
  void sweep_in_turn() noexcept;
  void give_what_was_asked() noexcept;
  template <class F>
  void in_turn(F task) noexcept;
  void end(shard_state final_state, bool forget) noexcept;

  std::uint64_t number_;
  std::size_t place_;
  std::atomic<std::uint64_t> restarts_{0};
  unsigned sweeps_skipped_ = 0;    ///< In a row.
  std::atomic<bool> asked_{false}; ///< A task of `give_soon` is on its way.
  std::atomic<std::size_t> asked_bytes_{0};
  std::atomic<std::size_t> asked_entries_{0};
};

// -- implementation --------------------------------------------------------------

template <class F>
void shard::maintain(F&& f) noexcept {
  auto held = mailbox_.held_here();
  auto task = [&]() noexcept {
    // Without memory for an empty table the old one stays, dead to all.
    static_cast<void>(store_.settle());
    f(store_.limits());
    if (!held)
      admit_released();
  };
  if (held)
    task();
  else
    mailbox_.run(task);
}

} // namespace troupe::memory
