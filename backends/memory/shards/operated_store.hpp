#pragma once

// A store, and the mailbox through which every operation on it passes: the part of a
// shard (shard.hpp) that runs, parks and rejects operations.
//
// Invariants
//   1. Only tasks of the mailbox use the store, one at a time, except for its lock-free
//      reads.
//   2. An operation is completed exactly once: it ran, or it was rejected.
//   3. While the actor is being restarted, operations wait in arrival order and run
//      when it is back; none overtakes another on the same key.
//   4. An operation that reads what it changes (increment, compare-and-set,
//      set-if-absent, update) waits while another holds the key's update lease. A joint
//      turn has waited for the leases of its keys. Inside of it no operation can wait:
//      the lease of another key is voided instead, and its update starts again.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/backends/core/futex.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/backends/memory/store/parked.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/backends/provider_part.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// An operation on its way to the store. `operated_store::run` and `submit` make it.
class store_operation : public parked_operation {
public:
  /// Completes the operation: runs it on `store`, or rejects it with `why` when
  /// `store` is nullptr.
  using function
    = void (*)(store_operation& self, store* store, errc why) noexcept;

  explicit store_operation(function complete) noexcept : complete_(complete) {
    // nop
  }

protected:
  /// No caller waits for it; it frees itself when it completes.
  bool detached_ = false;

private:
  friend class operated_store;

  enum phase : std::uint32_t { pending, asleep, completed };

  function complete_;
  futex_word phase_{pending};

  /// Set in the turn that admitted the operation when it could not be completed there.
  /// Only then `phase_` is used: a caller that waited for the turn itself needs no
  /// second signal.
  bool parked_ = false;
};

/// Thread-safe unless a member says otherwise.
class operated_store {
public:
  operated_store(const operated_store&) = delete;
  operated_store& operator=(const operated_store&) = delete;

  // -- operations --------------------------------------------------------------

  /// Runs `f(store&)`, which returns an `expected<T>` and does not throw, in its turn,
  /// and returns its result. An `f` with a member `std::optional<hashed_key>
  /// leased_key() const` waits for the update lease of that key (invariant 4). A thread
  /// that holds the mailbox (joint_turn.hpp) runs it at once. Must not be called inside
  /// a task of this mailbox. Errors: those of `f`, `timeout`, `shard_down`,
  /// `shutting_down`.
  template <class F>
  auto run(F&& f) -> std::invoke_result_t<F&, store&>;

  /// Like `run`, without waiting. `done(result)` is called in the shard's turn,
  /// possibly before this returns. It must be brief, not throw and not wait for any
  /// shard. Errors: also `overloaded` when the mailbox is full.
  template <class F, class Done>
  void submit(F f, Done done);

  /// The error with which all operations are rejected for good; nothing when they are
  /// not.
  [[nodiscard]] std::optional<error> refusal() const;

  /// The error while the mailbox is full.
  [[nodiscard]] error overloaded() const {
    return rejection(errc::overloaded);
  }

protected:
  operated_store(std::string name, const store_options& options,
                 std::chrono::milliseconds op_timeout, lane_executor& executor);

  ~operated_store() = default;

  void admit(store_operation& op) noexcept;

  /// Admits the operations that wait for a restart, in their order.
  void admit_waiting() noexcept;

  /// Ends all update leases. Admits the operations that waited for a restart, then
  /// those that waited for these leases.
  void admit_everything() noexcept;

  /// Admits the operations whose update lease ended.
  void admit_released() noexcept {
    if (store_.updates().any_released()) [[unlikely]]
      admit_all_released();
  }

  std::string name_;
  std::chrono::milliseconds op_timeout_;
  std::atomic<part_state> state_{part_state::running};
  bool operating_ = false; ///< The holder of the mailbox runs an operation.
  store store_;
  lane mailbox_;

private:
  template <class F, class Done>
  class detached_operation;

  static void park(store_operation& op) noexcept;
  bool waits_for_lease(store_operation& op) noexcept;
  void complete(store_operation& op, store* in, errc why) noexcept;
  void admit_all_released() noexcept;
  void await(store_operation& op) noexcept;
  [[nodiscard]] error rejection(errc why) const;

  /// The result of an operation, also when memory runs out.
  template <class F>
  auto outcome(F& f, store* in, errc why) const
    -> std::invoke_result_t<F&, store&>;

  template <class F>
  static void respect_lease(store_operation& op, const F& f);

  template <class F>
  auto run_held(F& f) -> std::invoke_result_t<F&, store&>;

  parked_list waiting_;    ///< For the actor's restart.
  bool admitting_ = false; ///< Keeps `admit_released` from nesting.
};

// -- implementation --------------------------------------------------------------

template <class F>
auto operated_store::outcome(F& f, store* in, errc why) const
  -> std::invoke_result_t<F&, store&> {
  if (in == nullptr)
    return tl::unexpected{rejection(why)};
  try {
    if (auto ok = in->settle(); !ok) [[unlikely]]
      return tl::unexpected{std::move(ok.error())};
    return f(*in);
  } catch (const std::bad_alloc&) {
    return tl::unexpected{rejection(errc::out_of_memory)};
  }
}

template <class F>
void operated_store::respect_lease([[maybe_unused]] store_operation& op,
                                   [[maybe_unused]] const F& f) {
  if constexpr (requires { f.leased_key(); })
    if (auto key = f.leased_key())
      op.respect(*key);
}

template <class F>
auto operated_store::run(F&& f) -> std::invoke_result_t<F&, store&> {
  using result_type = std::invoke_result_t<F&, store&>;
  if (mailbox_.held_here()) [[unlikely]]
    return run_held(f);
  struct operation final : store_operation {
    operation(F& body, const operated_store& owner)
      : store_operation(&complete), f(body), where(owner) {
      // nop
    }

    static void complete(store_operation& self, store* in, errc why) noexcept {
      auto& op = static_cast<operation&>(self);
      op.result.emplace(op.where.outcome(op.f, in, why));
    }

    F& f;
    const operated_store& where;
    std::optional<result_type> result;
  };
  operation op{f, *this};
  respect_lease(op, f);
  auto task = [this, &op]() noexcept {
    if (state_.load(std::memory_order_relaxed) == part_state::running
        && op.leased_key() == nullptr) [[likely]] {
      // Does the same as `admit`, but without calls that the compiler cannot see
      // through.
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

/// Runs `f` in the turn that this thread holds. Operations that it releases are
/// admitted when the turn ends, not during it.
template <class F>
auto operated_store::run_held(F& f) -> std::invoke_result_t<F&, store&> {
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

/// An operation that owns its function and completion and frees itself.
template <class F, class Done>
class operated_store::detached_operation final : public store_operation {
public:
  using result_type = std::invoke_result_t<F&, store&>;

  detached_operation(F f, Done done, const operated_store& owner)
    : store_operation(&complete),
      f_(std::move(f)),
      done_(std::move(done)),
      where_(owner) {
    detached_ = true;
    respect_lease(*this, f_);
  }

private:
  static void complete(store_operation& self, store* in, errc why) noexcept {
    std::unique_ptr<detached_operation> op{
      static_cast<detached_operation*>(&self)};
    op->done_(op->where_.outcome(op->f_, in, why));
  }

  F f_;
  Done done_;
  const operated_store& where_;
};

template <class F, class Done>
void operated_store::submit(F f, Done done) {
  using operation = detached_operation<F, Done>;
  if (mailbox_.depth() >= defaults::mailbox_limit) {
    done(typename operation::result_type{tl::unexpect,
                                         rejection(errc::overloaded)});
    return;
  }
  auto op = std::make_unique<operation>(std::move(f), std::move(done), *this);
  auto turn = [this, op = op.get()]() noexcept { admit(*op); };
  auto* task = new detached_task<decltype(turn)>(turn);
  // The task frees itself, and so does the operation: the mailbox owns both now.
  static_cast<void>(op.release());
  mailbox_.submit(*task);
}

} // namespace troupe::memory
