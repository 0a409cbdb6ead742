#pragma once

// One call that loads several keys with one loader. Each key has a load of its own, with
// its own lease, its waiters and its line in the console; what they have in common is the
// run of the loader.
//
//   keys ──► leases: granted ─────► one run of the loader ──► commit, key by key
//                    held by others: joined ───────────────────────► answer
//                    present ──────────────────────────────────────► answer
//
// Invariants
//   1. While a loader of the call runs, or waits for a thread, no other load passes to
//      the call (`accepts`). So no load waits behind the call's loader, and calls that
//      have keys in common, in any order, do not wait for each other in a circle.
//   2. A load that had to fail because of 1 is asked for again when the loader has
//      ended. The keys that are asked for again share the next run.
//   3. Each key is answered once. The call ends with the last answer.
//
// A calling thread runs its loader itself, and waits for joined loads when it has
// committed. Otherwise the pool runs the loader and no thread waits: the next step begins
// with the last answer of the one before, even when the loader is stuck.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

/// Always held by a shared_ptr. Thread-safe.
class bulk_load : public std::enable_shared_from_this<bulk_load> {
public:
  using done_function = std::function<void(std::vector<load_answer>)>;

  /// No key may occur twice.
  bulk_load(std::shared_ptr<load_coordinator> by,
            std::shared_ptr<load_target> where, std::vector<carried_key> keys,
            bulk_loader loader, const write_options& how);
  ~bulk_load();

  bulk_load(const bulk_load&) = delete;
  bulk_load& operator=(const bulk_load&) = delete;

  /// Loads with the loader on this thread. Called once, instead of `start`.
  std::vector<load_answer> run();

  /// Loads with the loader on the pool. `done` is called once, on any thread.
  void start(load_purpose why, done_function done);

private:
  using load_pointer = load_coordinator::load_pointer;
  using run_pointer = load_coordinator::run_pointer;

  /// A key, and the caller that the coordinator knows for it.
  struct part;

  std::shared_ptr<part> pointer_to(part& x);

  void ask_now(part& x);
  void ask_then(part& x);
  bool decide(part& x, const load_pointer& load, load_decision decision);
  void run_ready();
  void await_held();

  void post();
  void next(std::unique_lock<std::mutex> guard);

  static void run_batch(std::shared_ptr<bulk_load> self);
  std::vector<part*> take_ready();
  void finish(const std::vector<running_item>& items,
              const std::vector<std::size_t>& positions, bulk_context& context,
              expected<bulk_values> values, bool threw);

  // What the coordinator reports of a key.
  void answered(part& x, const load_answer& what);
  void asks_again(part& x);
  void invited(part& x, const load_pointer& load, const run_pointer& run);
  bool accepts() noexcept;

  const std::shared_ptr<load_coordinator> by_;
  const std::shared_ptr<load_target> where_;
  const write_options how_;
  const time_point asked_;
  load_purpose why_ = load_purpose::missing;
  bool on_pool_ = false;
  std::deque<part> parts_;

  // The mutex guards the members below and the state of the parts. No other lock is
  // taken while it is held; it may be taken with the mutex of a load (`accepts`).
  std::mutex mutex_;
  std::condition_variable changed_;
  bulk_loader loader_;
  done_function done_;
  std::vector<load_answer> answers_;
  std::size_t left_;         ///< Parts without an answer.
  std::size_t asking_ = 0;   ///< Parts whose lease is being decided about.
  std::size_t in_batch_ = 0; ///< Parts whose loader runs or is about to.
  std::size_t expected_ = 0; ///< Loads that were accepted and have not arrived.
  bool busy_ = true;         ///< See invariant 1.
  bool posted_ = false;      ///< A job of the pool will take `ready_`.
  std::vector<part*> ready_; ///< Their loads wait for the loader.
  std::vector<part*> again_; ///< They have to be asked for again.
};

struct bulk_load::part final : load_waiter {
  part(bulk_load& all, std::size_t position, carried_key of,
       const write_options& with)
    : load_waiter(bytes_loader{}, with),
      whole(all),
      index(position),
      key(std::move(of)) {
    // nop
  }

  void answer(const load_answer& what) override {
    whole.answered(*this, what);
  }

  void ask_again(load_in_flight&) override {
    whole.asks_again(*this);
  }

  [[nodiscard]] bool runs_itself() const noexcept override {
    return true;
  }

  void take(const load_pointer& x, const run_pointer& by) override {
    whole.invited(*this, x, by);
  }

  [[nodiscard]] bool accepts() noexcept override {
    return whole.accepts();
  }

  /// A calling thread runs its loader itself.
  bool run_all() override {
    if (whole.on_pool_)
      run_batch(whole.shared_from_this());
    return true;
  }

  bulk_load& whole;
  const std::size_t index;
  const carried_key key;

  enum class phase : std::uint8_t {
    asking,  ///< The provider decides about the lease, or will be asked.
    held,    ///< It waits for the load of another call.
    loading, ///< Its loader runs or is about to.
    answered,
  };

  phase now = phase::asking;
  load_pointer load; ///< The load that it runs or waits for.
  run_pointer run;   ///< Its run, when its loader runs or is about to.
};

} // namespace troupe
