#pragma once

// A shard owns one slice of a region's keys: a store, and the mailbox through
// which every change to it passes. This class is the shard itself; the thin
// actor around it (shard_actor.hpp) makes it addressable, and may crash and be
// replaced while this object, and with it every committed entry, stays.
//
// Invariants
//   1. The store is only touched by tasks of the mailbox, one at a time, but
//      for its lock-free reads.
//   2. An operation is completed exactly once: it ran, or it was rejected.
//   3. While the actor is being restarted, operations wait in arrival order and
//      run when it is back; none overtakes another on the same key.
//   4. An operation that reads what it changes (increment, compare-and-set,
//      set-if-absent, update) waits while another holds the key's update lease.
//      A joint turn has waited for the leases of its keys; inside of it nothing
//      can wait, so that the lease of another key is voided instead, and that
//      update starts again.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/backends/core/futex.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/backends/provider_part.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/failed_shards.hpp>

namespace troupe::memory {

using shard_state = part_state;

/// An operation on its way to the store. Made by `shard::run` and its siblings.
class shard_operation : public parked_operation {
public:
  /// Completes the operation: runs it on `store`, or rejects it with `why` when
  /// `store` is nullptr.
  using function
    = void (*)(shard_operation& self, memory::store* store, errc why) noexcept;

  explicit shard_operation(function complete) noexcept : complete_(complete) {
    // nop
  }

protected:
  /// Nobody waits for it; it frees itself when it completes.
  bool detached_ = false;

private:
  friend class shard;

  enum phase : std::uint32_t { pending, asleep, completed };

  function complete_;
  futex_word phase_{pending};

  /// Set in the turn that admitted the operation when it could not be completed
  /// there. Only then is `phase_` used: whoever waited for the turn itself
  /// needs no second signal.
  bool parked_ = false;
};

/// Thread-safe unless a member says otherwise.
class shard final : public provider_part {
public:
  /// `executor` and the clock in `options` must outlive the shard. Starts in
  /// state `running`: an embedder without actors can use it as it is.
  shard(std::string name, const store_options& options,
        std::chrono::milliseconds op_timeout, lane_executor& executor);

  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  /// Ends as `stop` does. Nobody may use the shard any more.
  ~shard();

  [[nodiscard]] const std::string& name() const noexcept override {
    return name_;
  }

  // -- operations --------------------------------------------------------------

  /// Runs `f(memory::store&)`, which returns an `expected<T>` and does not
  /// throw, in its turn and returns its result. An `f` with a member
  /// `std::optional<hashed_key> leased_key() const` respects the update
  /// lease of that key (invariant 4); see operations.hpp. A thread that holds
  /// the mailbox (joint_turn.hpp) runs it at once. Must not be called from
  /// inside a task of this mailbox.
  /// Errors: those of `f`, `timeout`, `shard_down`, `shutting_down`.
  template <class F>
  auto run(F&& f) -> std::invoke_result_t<F&, memory::store&>;

  /// As `run`, without waiting: `done(result)` is called in the shard's turn,
  /// possibly before this returns, and must be brief, not throw and
  /// not wait for any shard (it runs inside this one's turn); with `overloaded`
  /// when the mailbox is full.
  template <class F, class Done>
  void submit(F f, Done done);

  /// As `submit`, from inside a task of the mailbox: for the actor's handlers.
  template <class F, class Done>
  void perform(F f, Done done);

  // -- for joint turns ---------------------------------------------------------

  /// The place of this shard among all of the process, in which joint turns
  /// enter mailboxes.
  [[nodiscard]] std::uint64_t number() const noexcept {
    return number_;
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

  /// What is answered while the mailbox is full.
  [[nodiscard]] error overloaded() const {
    return rejection(errc::overloaded);
  }

  /// Why operations are rejected for good; nothing when they are not.
  [[nodiscard]] std::optional<error> refusal() const;

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
  /// mailbox is busy, but for one of `sweep_patience` times in a row. From one
  /// thread at a time.
  void sweep() noexcept;

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
  table::amounts try_give(table::amounts most,
                                  sacrifice how) noexcept;

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
  template <class F, class Done>
  class detached_operation;

  static void park(shard_operation& op) noexcept;
  void admit(shard_operation& op) noexcept;
  bool waits_for_lease(shard_operation& op) noexcept;
  void complete(shard_operation& op, memory::store* store, errc why) noexcept;
  void admit_all_released() noexcept;

  /// Admits the operations whose update lease ended.
  void admit_released() noexcept {
    if (store_.updates().any_released()) [[unlikely]]
      admit_all_released();
  }

  void sweep_in_turn() noexcept;
  void give_what_was_asked() noexcept;
  template <class F>
  void in_turn(F task) noexcept;
  void end(shard_state final_state, bool forget) noexcept;
  void await(shard_operation& op) noexcept;
  [[nodiscard]] error rejection(errc why) const;

  /// What an operation comes to, running out of memory included.
  template <class F>
  auto outcome(F& f, memory::store* store, errc why) const
    -> std::invoke_result_t<F&, memory::store&>;

  template <class F>
  static void respect_lease(shard_operation& op, const F& f);

  template <class F>
  auto run_held(F& f) -> std::invoke_result_t<F&, memory::store&>;

  std::string name_;
  std::uint64_t number_;
  std::chrono::milliseconds op_timeout_;
  std::atomic<shard_state> state_{shard_state::running};
  std::atomic<std::uint64_t> restarts_{0};
  parked_list waiting_; ///< For the actor's restart.
  bool admitting_ = false;      ///< Keeps `admit_released` from nesting.
  bool operating_ = false; ///< A thread that holds the mailbox runs something.
  unsigned sweeps_skipped_ = 0;    ///< In a row.
  std::atomic<bool> asked_{false}; ///< A task of `give_soon` is on its way.
  std::atomic<std::size_t> asked_bytes_{0};
  std::atomic<std::size_t> asked_entries_{0};
  memory::store store_;
  lane mailbox_;
};

// -- implementation --------------------------------------------------------------

template <class F>
auto shard::outcome(F& f, memory::store* store, errc why) const
  -> std::invoke_result_t<F&, memory::store&> {
  if (store == nullptr)
    return tl::unexpected{rejection(why)};
  try {
    if (auto ok = store->settle(); !ok) [[unlikely]]
      return tl::unexpected{std::move(ok.error())};
    return f(*store);
  } catch (const std::bad_alloc&) {
    return tl::unexpected{rejection(errc::out_of_memory)};
  }
}

template <class F>
void shard::respect_lease([[maybe_unused]] shard_operation& op,
                          [[maybe_unused]] const F& f) {
  if constexpr (requires { f.leased_key(); })
    if (auto key = f.leased_key())
      op.respect(*key);
}

template <class F>
auto shard::run(F&& f) -> std::invoke_result_t<F&, memory::store&> {
  using result_type = std::invoke_result_t<F&, memory::store&>;
  if (mailbox_.held_here()) [[unlikely]]
    return run_held(f);
  struct operation final : shard_operation {
    operation(F& body, const shard& owner)
      : shard_operation(&complete), f(body), where(owner) {
      // nop
    }

    static void complete(shard_operation& self, memory::store* store,
                         errc why) noexcept {
      auto& op = static_cast<operation&>(self);
      op.result.emplace(op.where.outcome(op.f, store, why));
    }

    F& f;
    const shard& where;
    std::optional<result_type> result;
  };
  operation op{f, *this};
  respect_lease(op, f);
  auto task = [this, &op]() noexcept {
    if (state_.load(std::memory_order_relaxed) == shard_state::running
        && op.leased_key() == nullptr) [[likely]] {
      // As `admit` would, but without calls that the compiler cannot see through.
      operation::complete(op, &store_, errc::none);
      admit_released();
    } else {
      admit(op);
    }
  };
  mailbox_.run(task);
  if (op.parked_) [[unlikely]]
    await(op);
  return std::move(*op.result);
}

/// Runs `f` in the turn that this thread holds. What its end lets go is admitted
/// when the turn ends, not in the middle of it.
template <class F>
auto shard::run_held(F& f) -> std::invoke_result_t<F&, memory::store&> {
  if (auto why = refusal(); why) [[unlikely]]
    return tl::unexpected{std::move(*why)};
  if constexpr (requires { f.leased_key(); })
    if (auto key = f.leased_key())
      store_.updates().release(key->key);
  auto outer = std::exchange(operating_, true);
  auto result = outcome(f, &store_, errc::none);
  operating_ = outer;
  return result;
}

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

/// An operation that owns its function and completion and frees itself.
template <class F, class Done>
class shard::detached_operation final : public shard_operation {
public:
  using result_type = std::invoke_result_t<F&, memory::store&>;

  detached_operation(F f, Done done, const shard& owner)
    : shard_operation(&complete),
      f_(std::move(f)),
      done_(std::move(done)),
      where_(owner) {
    detached_ = true;
    respect_lease(*this, f_);
  }

private:
  static void complete(shard_operation& self, memory::store* store,
                       errc why) noexcept {
    std::unique_ptr<detached_operation> op{
      static_cast<detached_operation*>(&self)};
    op->done_(op->where_.outcome(op->f_, store, why));
  }

  F f_;
  Done done_;
  const shard& where_;
};

template <class F, class Done>
void shard::submit(F f, Done done) {
  using operation = detached_operation<F, Done>;
  if (mailbox_.depth() >= defaults::mailbox_limit) {
    done(typename operation::result_type{tl::unexpect,
                                         rejection(errc::overloaded)});
    return;
  }
  auto op = std::make_unique<operation>(std::move(f), std::move(done), *this);
  auto turn = [this, op = op.get()]() noexcept { admit(*op); };
  auto* task = new detached_task<decltype(turn)>(turn);
  // The task frees itself, the operation itself: both are the mailbox's now.
  static_cast<void>(op.release());
  mailbox_.submit(*task);
}

template <class F, class Done>
void shard::perform(F f, Done done) {
  auto op = std::make_unique<detached_operation<F, Done>>(
    std::move(f), std::move(done), *this);
  admit(*op.release());
}

} // namespace troupe::memory
