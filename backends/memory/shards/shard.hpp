#pragma once

// A shard owns one slice of a region's keys: a store, and the mailbox through which
// every change of it passes. This class is the shard itself. The thin actor around it
// (shard_actor.hpp) gives it an address; the actor may crash and be replaced, while
// this object, with every committed entry, stays.
//
// operated_store.hpp runs the operations; this file has what the actor, its supervisor
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
  /// `executor` and the clock in `options` must outlive the shard. Starts in state
  /// `running`: a program without actors can use it at once. `place` is the shard's
  /// number in its region.
  shard(std::string name, const store_options& options,
        std::chrono::milliseconds op_timeout, lane_executor& executor,
        std::size_t place = 0);

  /// Ends like `stop`. No caller may use the shard any more.
  ~shard();

  [[nodiscard]] const std::string& name() const noexcept override {
    return name_;
  }

  // -- for joint turns ---------------------------------------------------------

  /// The shard's position in the order, over all shards of the process, in which joint
  /// turns enter mailboxes.
  [[nodiscard]] std::uint64_t number() const noexcept {
    return number_;
  }

  /// The number of this shard in its region.
  [[nodiscard]] std::size_t place() const noexcept {
    return place_;
  }

  /// Admits the operations that a held turn released; called at its end.
  void settle_turn() noexcept {
    admit_released();
  }

  // -- for lock-free reads -----------------------------------------------------

  /// Outside of the mailbox, only `read`, `read_many` and the statistics may be called.
  [[nodiscard]] memory::store& store() noexcept {
    return store_;
  }

  [[nodiscard]] const memory::store& store() const noexcept {
    return store_;
  }

  /// Prefetches what a change of a key with this hash will touch, so that the cache
  /// misses of mailbox and store overlap.
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

  /// With `failed_shards::absent`, removes the entries.
  void fail(failed_shards how = failed_shards::serve) noexcept override;

  [[nodiscard]] bool revive() noexcept override;

  /// Called when the runtime ends: rejects all operations with `shutting_down`. From
  /// any thread.
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

  /// Housekeeping in the shard's turn, when there is work: frees memory of dead entries
  /// and ends overdue update leases. Skipped when the mailbox is busy, at most
  /// `sweep_patience` times in a row. Returns whether there is work. From one thread at a
  /// time.
  bool sweep() noexcept;

  /// The same at once, unless the mailbox is busy; returns whether it was done. From
  /// any thread.
  bool try_sweep() noexcept;

  /// Returns a piece of what the shard was lent to its budget, and evicts entries that
  /// no longer fit. Skipped when the mailbox is busy; returns whether it was done.
  bool yield_piece() noexcept;

  // -- for limits --------------------------------------------------------------

  /// Makes the shard return up to `most` of what it was lent, and returns how much it
  /// was; see `table::give`. Returns nothing when the mailbox is busy, unless this
  /// thread holds it. From any thread, also inside a task of another mailbox.
  table::amounts try_give(table::amounts most, sacrifice how) noexcept;

  /// The same in the shard's next turn, with evictions, as far as the budgets are still
  /// overdrawn then. Without memory for the task, the rebalancer does it later.
  void give_soon(table::amounts most) noexcept;

  /// Runs `f(table&)`, which must not throw, in the shard's turn, in any state of its
  /// actor, so that it cannot fail. A thread that holds the mailbox runs it at once.
  /// Must not be called inside a task of this mailbox.
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
    // Without memory for an empty table the old one stays; all its entries are dead.
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
