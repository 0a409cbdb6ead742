#pragma once

// The load coordinator decides what happens between "missing" and "stored": which
// callers wait, whose loader runs, when its time is over, and which loader replaces it.
//
//   caller             provider                          other callers
//     │ get: a load is registered
//     ├─ acquire ───────►│ present → value
//     │                  │ lease free → granted            acquire ──► held: joined,
//     │ loader runs, here or on a thread of the pool                   become waiters
//     ├─ commit ────────►│ lease fenced? refuse                        of the load
//     │ the load ends: waiters get the value ◄──────────────────────────┘
//
// A load is registered before its caller asks the provider for the lease, and removed
// after the lease has ended. A provider that lets a caller join reports that before it
// ends the lease, so the load is found. There is one coordinator for all regions of a
// runtime; each load has a mutex of its own, and the threads of different loads share
// only the stripes of the registry.
//
// Invariants
//   1. A load ends exactly once, by the thread that set its phase to `settling` or
//      `ended`. All its waiters are answered then, or earlier when their own loader
//      failed or they were cancelled.
//   2. At most one run of a load may still commit: the present one. The result of an
//      older run is not stored; its caller, if it runs its loader itself, gets it.
//   3. While a load is running and not fenced, the provider holds its lease.
//   4. A loader's time counts from when a thread starts it. A load that was answered
//      while it waited for a thread is not started.
//   5. A waiter that joined a load after an invalidation of one of the load's tags
//      does not get its result: it asks again, and another load follows.
//   6. A thread that runs a load never waits for a load that waits, perhaps through
//      others, for its own (load_graph.hpp).

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/loads/breakers/breaker_board.hpp>
#include <troupe/actors/loads/bulk_context.hpp>
#include <troupe/actors/loads/load_cells.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/actors/loads/load_registry.hpp>
#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/loads/load_terms.hpp>
#include <troupe/backends/core/worker_pool.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class blocked_caller;

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
  std::size_t waiters = 0; ///< The caller whose loader runs counts.
  bool fenced = false;     ///< Invalidated: the result will not be stored.
};

/// Thread-safe. CAF-free: load_coordinator_actor.hpp puts the actor around it. Always
/// held by a shared_ptr: a loader that outlives the runtime must find out that its
/// result is no longer wanted.
class load_coordinator : public std::enable_shared_from_this<load_coordinator> {
public:
  /// `time` must outlive the coordinator. At most `threads` loaders run on the pool at a
  /// time, and `queue_limit` wait for a thread.
  explicit load_coordinator(const clock& time,
                            std::size_t threads = defaults::loader_threads,
                            std::size_t queue_limit = defaults::loader_queue);

  ~load_coordinator();

  load_coordinator(const load_coordinator&) = delete;
  load_coordinator& operator=(const load_coordinator&) = delete;

  // -- for regions ---------------------------------------------------------------

  /// Returns a new load id.
  [[nodiscard]] load_id next_id() noexcept {
    return loads_.next_id();
  }

  /// Loads a key that the caller found absent, and waits for the value. Errors: see
  /// `region::get_or_set`.
  load_answer get(const std::shared_ptr<load_target>& where,
                  const hashed_key& key, const load_function& loader,
                  const write_options& how, const load_terms& terms);

  /// The same without waiting. The loader runs on the pool.
  void get_then(const std::shared_ptr<load_target>& where, carried_key key,
                load_function loader, write_options how,
                const load_terms& terms,
                std::function<void(const load_answer&)> done);

  /// Loads a key whose entry has reached its `refresh_from`, on the pool, unless another
  /// load is in flight. Does not wait; nothing is reported.
  void refresh(const std::shared_ptr<load_target>& where, carried_key key,
               load_function loader, write_options how);

  /// The circuit breakers of its regions.
  [[nodiscard]] breaker_board& breakers() noexcept {
    return breakers_;
  }

  // -- the same for several keys with one loader (detail/load_bulk.hpp). No key may occur twice.

  /// Returns an answer for each key, in order.
  std::vector<load_answer>
  get_many(const std::shared_ptr<load_target>& where,
           std::vector<carried_key> keys, const bulk_loader& loader,
           const write_options& how, const load_terms& terms);

  void get_many_then(const std::shared_ptr<load_target>& where,
                     std::vector<carried_key> keys, bulk_loader loader,
                     const write_options& how,
                     std::function<void(std::vector<load_answer>)> done);

  void refresh_many(const std::shared_ptr<load_target>& where,
                    std::vector<carried_key> keys, bulk_loader loader,
                    const write_options& how);

  // -- for the console and the clockwork ----------------------------------------

  /// Loads in flight, oldest first, at most `limit` of them, and the number of all.
  /// Must not be called inside a turn of a mailbox.
  [[nodiscard]] std::pair<std::vector<load_view>, std::size_t>
  list(std::size_t limit);

  /// Number of loads in flight. A snapshot.
  [[nodiscard]] std::size_t in_flight() const noexcept {
    return loads_.size();
  }

  /// The counts since the start.
  [[nodiscard]] const load_cells& counted() const noexcept {
    return counted_;
  }

  /// Answers the waiters of a load with `load_cancelled`, signals its loader to stop
  /// and drops its result. Errors: `unknown_load`.
  expected<void> cancel(load_id id);

  /// The present time of the loads.
  [[nodiscard]] time_point now() const noexcept {
    return time_.now();
  }

  /// Ends attempts whose time is over. Called every `defaults::tick`.
  void tick();

  /// Takes no new loads (`shutting_down`). Waits until `deadline` for the loads in
  /// flight, then answers the remaining waiters with `shutting_down`. Returns the loads
  /// that were stuck, e.g. "load profiles/42 (attempt 2, 31.2 s, 5 waiters)".
  [[nodiscard]] std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline);

  [[nodiscard]] worker_pool& workers() noexcept {
    return workers_;
  }

private:
  friend class bulk_load;

  using load_pointer = std::shared_ptr<load_in_flight>;
  using run_pointer = std::shared_ptr<load_run>;
  using waiter_pointer = std::shared_ptr<load_waiter>;

  friend class later_caller;

  /// How one run of a loader ended.
  struct run_result {
    expected<std::optional<bytes>> value;
    bool threw = false;
    bool store = true;
    write_options how;
  };

  /// How a load ended.
  struct load_end {
    load_answer answer;
    /// Not empty: it failed, and each caller gets its stale value or this.
    std::optional<error> failed = std::nullopt;
    /// It is older than an invalidation: waiters that joined after the invalidation do
    /// not get it.
    bool killed = false;
    /// It brought nothing: all ask again.
    bool again = false;
  };

  using stale_pointer = std::shared_ptr<const stale_entry>;

  expected<load_pointer> open(const std::shared_ptr<load_target>& where,
                              const hashed_key& key, const tags& known);
  void forget(load_id id);

  // A waiting caller (load_waits.cpp). They return nothing when it has to ask again.
  std::optional<load_answer>
  ask(const std::shared_ptr<load_target>& where, const hashed_key& key,
      const load_function& loader, const write_options& how, load_on place,
      const std::stop_token& stop, time_point asked);
  std::optional<load_answer>
  await_joined(const std::shared_ptr<blocked_caller>& caller,
               const load_pointer& joined, load_on place,
               const std::stop_token& stop);
  std::optional<load_answer>
  await(const std::shared_ptr<blocked_caller>& caller, const load_pointer& x,
        const std::stop_token& stop);

  load_pointer join(load_id id, const std::shared_ptr<load_target>& where,
                    const hashed_key& key, const waiter_pointer& waiter);
  load_pointer find_or_adopt(load_id id,
                             const std::shared_ptr<load_target>& where,
                             const hashed_key& key);
  void leave(const load_pointer& x, const load_waiter& waiter);
  void desert(const load_pointer& x, const load_run& run);
  void answer_late(load_in_flight& x, time_point now);

  static load_on place_of(const region_options& options, bool deferred,
                          const load_terms& terms) noexcept;
  static load_answer answer_of(load_decision decision);
  static void offer(load_waiter& to, const load_target& where,
                    std::optional<stale_entry> stale, time_point asked);

  // Running loaders (load_runs.cpp).
  static load_context context_of(const load_in_flight& x, const load_run& run);
  static run_result result_of(const load_context& context,
                              expected<std::optional<bytes>> value, bool threw,
                              write_options how);
  expected<void> admit(load_in_flight& x);
  expected<run_pointer> begin(load_in_flight& x, load_granted granted,
                              waiter_pointer owner);
  void post(const load_pointer& x, const run_pointer& run);
  static void run_owned(const std::weak_ptr<load_coordinator>& by,
                        const std::weak_ptr<load_in_flight>& which,
                        const run_pointer& run);
  void conclude(const load_pointer& x, const run_pointer& run,
                run_result result);
  load_answer run_here(const load_pointer& x, run_pointer run,
                       const bytes_loader& loader, const write_options& how,
                       const stale_pointer& stale, const std::stop_token& stop);
  load_answer run_inside(const load_pointer& x, const run_pointer& run,
                         const bytes_loader& loader, const write_options& how,
                         const stale_pointer& stale,
                         const std::stop_token& stop);
  run_pointer retry(load_in_flight& x, const run_pointer& run,
                    const error& why);

  // Ending loads (load_ends.cpp).
  static bool claim(load_in_flight& x, const run_pointer& run);
  load_answer finish(const load_pointer& x, const run_pointer& run,
                     run_result result, const stale_pointer& stale);
  load_answer commit(const load_pointer& x, run_result result);
  bool fail_over(const load_pointer& x, const run_pointer& run,
                 const error& why);
  load_answer abandon(const load_pointer& x, const error& why,
                      const stale_pointer& stale);
  static load_answer failure(load_in_flight& x, const error& why,
                             const stale_pointer& stale);
  void give_back(load_in_flight& x);
  void settle(load_in_flight& x, load_end& end);
  void count_end(load_in_flight& x, const std::optional<error>& why);
  void shut(load_in_flight& x);

  void look_at_deadlines(const load_pointer& x, time_point now);
  [[nodiscard]] std::string describe(load_in_flight& x) const;

  const clock& time_;
  load_registry loads_;
  std::atomic<bool> draining_{false};
  std::mutex drain_mutex_;
  std::condition_variable drained_;
  worker_pool workers_;
  load_cells counted_;
  breaker_board breakers_;
};

} // namespace troupe
