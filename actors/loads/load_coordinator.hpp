#pragma once

// The load coordinator decides what happens between "missing" and "stored": which
// callers wait, whose loader runs, when its time is over, and which loader replaces it.
//
//   caller           shard                 coordinator            worker
//     │ get_or_set     │                        │                    │
//     ├───────────────►│ hit? → value           │                    │
//     │                │ lease free → grant ───►│ start load ───────►│ loader runs
//     │                │ lease held → join ────►│ add waiter         │
//     │                │                        │◄────── finished ───┤
//     │                │◄───────── commit ──────┤                    │
//     │                │ lease fenced? refuse   │                    │
//     │                ├──────── settled ──────►│ answer the waiters │
//
// `start`, `join` and `settled` are submitted from inside the shard's turn, so that the
// coordinator sees them in the order in which the shard decided: a caller that the
// shard let join a load is known before that load is settled. There is one coordinator
// for all regions of a runtime.
//
// Invariants
//   1. A load is settled exactly once. All its waiters are answered then, or earlier
//      when their own loader failed or they were cancelled.
//   2. At most one attempt of a load may still commit: the result of an older attempt
//      is dropped.
//   3. While a load is unsettled and not fenced, its shard holds its lease.
//   4. A loader's time counts from when a thread starts it. A load that was answered
//      while it waited for a thread is not started.
//   5. A waiter that joined a load after an invalidation of one of the load's tags
//      does not get its result: another load follows.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_cells.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/loads/load_target.hpp>
#include <troupe/backends/core/worker_pool.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// A caller that wants a missing key, and its loader.
struct load_waiter {
  bytes_loader loader;
  write_options how;
  /// Called once. All waiters may share the value. Must be brief and not throw.
  std::function<void(const expected<std::optional<bytes>>&)> done;
  /// The sequence of invalidations when it joined another caller's load; 0: its own
  /// load.
  std::uint64_t since = 0;
};

/// One load in flight, as the console shows it.
struct load_view {
  load_id id = 0;
  std::string region;
  bytes key;
  std::chrono::nanoseconds age{0};
  /// Until the attempt's deadline; while it waits for a thread, until the end of that
  /// wait.
  std::chrono::nanoseconds remaining{0};
  std::uint32_t attempt = 1;
  std::size_t waiters = 0;
  bool fenced = false; ///< Invalidated: the result will not be stored.
};

/// Thread-safe. CAF-free: load_coordinator_actor.hpp puts the actor around it. Always
/// held by a shared_ptr: a loader that outlives the runtime must find out that its
/// result is no longer wanted.
class load_coordinator : public std::enable_shared_from_this<load_coordinator> {
public:
  /// `time` must outlive the coordinator. At most `threads` loaders run at a
  /// time and `queue_limit` wait for a thread.
  load_coordinator(const clock& time, std::shared_ptr<lane_executor> executor,
                   std::size_t threads = defaults::loader_threads,
                   std::size_t queue_limit = defaults::loader_queue);

  ~load_coordinator();

  load_coordinator(const load_coordinator&) = delete;
  load_coordinator& operator=(const load_coordinator&) = delete;

  // -- for shards, from inside their turn --------------------------------------

  /// Returns a new load id. Callable from any thread.
  [[nodiscard]] load_id next_id() noexcept {
    return next_id_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The shard granted the lease of the key to load `id` at the sequence `born`. The
  /// tags that its loader names are added to `tags`, too.
  void start(load_id id, std::uint64_t born, std::shared_ptr<load_target> where,
             carried_key key, std::shared_ptr<load_tags> tags,
             load_waiter first);

  /// The shard let a caller join load `id`.
  void join(load_id id, load_waiter waiter);

  // -- for the console and the clockwork ----------------------------------------

  /// Loads in flight, oldest first, at most `limit` of them, and the number of all.
  /// Must not be called inside a turn of a mailbox.
  [[nodiscard]] std::pair<std::vector<load_view>, std::size_t>
  list(std::size_t limit);

  /// Number of loads in flight. A snapshot.
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return in_flight_.load(std::memory_order_acquire);
  }

  /// The counts since the start.
  [[nodiscard]] const load_cells& counted() const noexcept {
    return counted_;
  }

  /// Answers the waiters of a load with `load_cancelled`, signals its loader to stop
  /// and drops its result. Must not be called inside a turn of a mailbox. Errors:
  /// `unknown_load`.
  expected<void> cancel(load_id id);

  /// Ends attempts whose time is over. Called every `defaults::tick`.
  void tick();

  /// Takes no new loads (`shutting_down`). Waits until `deadline` for the loads in
  /// flight, then answers the remaining waiters with `shutting_down`. Returns the loads
  /// that were stuck, e.g. "load profiles/42 (attempt 2, 31.2 s, 5 waiters)". Must not
  /// be called inside a turn of a mailbox.
  [[nodiscard]] std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline);

  [[nodiscard]] lane& mailbox() noexcept {
    return mailbox_;
  }

  [[nodiscard]] worker_pool& workers() noexcept {
    return workers_;
  }

private:
  class run_state;

  struct load {
    load_id id = 0;
    std::uint64_t born = 0;
    std::shared_ptr<load_target> where;
    carried_key key{bytes{}};
    std::shared_ptr<load_tags> tags;
    time_point started;
    time_point queued_until; ///< Of the attempt, while it waits for a thread.
    std::shared_ptr<run_state> run; ///< Of the attempt, shared with its job.
    std::uint32_t attempt = 0;
    std::deque<load_waiter> waiters; ///< The first one's loader runs.
    std::stop_source stop;
    bool settling = false; ///< Its outcome is on the way through the shard.
  };

  /// How one run of a loader ended.
  struct run_result {
    expected<std::optional<bytes>> value;
    bool threw = false;
    write_options how;
  };

  /// The result that the waiters of a load get.
  struct load_end {
    expected<std::optional<bytes>> value;
    /// It is older than an invalidation: waiters that joined after the invalidation do
    /// not get it.
    bool killed = false;
  };

  // All of these run in the coordinator's turn.
  void begin_attempt(load& x);
  void finished(load_id id, std::uint32_t attempt, run_result result);
  void fail_over(load& x, const error& why);
  void commit(load& x, std::optional<bytes> value, const write_options& how);
  void abandon(load& x, error why);
  void settled(load_id id, const load_end& outcome);
  void answer(load& x, const load_end& outcome);
  void look_at_deadline(load& x, time_point now);

  [[nodiscard]] std::string describe(const load& x) const;
  static void load_again(const load& x, load_waiter waiter);
  static run_result run_loader(const bytes_loader& loader,
                               load_context& context, write_options how);

  template <class F>
  void submit(F f);

  template <class F>
  void run(F&& f);

  const clock& time_;
  std::shared_ptr<lane_executor> executor_;
  std::atomic<load_id> next_id_{1};
  std::atomic<std::size_t> in_flight_{0};
  std::unordered_map<load_id, load> loads_;
  bool closed_ = false;
  std::mutex drain_mutex_;
  std::condition_variable drained_;
  worker_pool workers_;
  lane mailbox_;
  load_cells counted_; ///< Written in turns of the mailbox.
};

} // namespace troupe
