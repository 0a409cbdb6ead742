#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <troupe/actors/loads/load_run.hpp>
#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/loads/load_terms.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/load_tags.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

struct load_in_flight;

/// What a caller gets.
struct load_answer {
  expected<std::optional<bytes>> value;
  load_origin origin = load_origin::loaded;
  stale_reason why_stale = stale_reason::none;

  /// The value was not stored: the load was invalidated, or took too long.
  bool fenced = false;

  /// The version of the entry that was hit.
  version_number version = no_version;
};

/// The error of calls while the runtime drains.
[[nodiscard]] inline error drained_error() {
  return {errc::shutting_down, "the runtime drains"};
}

/// The error of a caller that has stopped waiting (`load_terms::stop`).
[[nodiscard]] inline error no_longer_wanted() {
  return {errc::load_cancelled, "the caller stopped waiting for the load"};
}

/// A caller that waits for a load, and its own loader. The coordinator calls each
/// function at most once, from any thread and without a lock; they must be brief and not
/// throw.
class load_waiter {
public:
  load_waiter(load_function own_loader, write_options own_how)
    : loader(std::move(own_loader)), how(std::move(own_how)) {
    // nop
  }

  load_waiter(const load_waiter&) = delete;
  load_waiter& operator=(const load_waiter&) = delete;
  virtual ~load_waiter() = default;

  /// All waiters may share the answer.
  virtual void answer(const load_answer& what) = 0;

  /// The load that it joined may be older than an invalidation that it has to see:
  /// it must ask for the key again.
  virtual void ask_again(load_in_flight& joined) = 0;

  /// Whether its loader runs on a thread of its own, which `take` wakes. The waiter then
  /// gets the result of the run, and no answer. Otherwise the pool runs the loader.
  [[nodiscard]] virtual bool runs_itself() const noexcept {
    return false;
  }

  virtual void take(const std::shared_ptr<load_in_flight>&,
                    const std::shared_ptr<load_run>&) {
    // nop
  }

  /// Whether its loader may run now, for a load that has failed. After true, the load
  /// passes to it. After false it has to ask again, unless another waiter's loader runs.
  /// Called with the mutex of the load; may take a mutex of the waiter.
  [[nodiscard]] virtual bool accepts() noexcept {
    return true;
  }

  /// Runs its loader on this thread, when the loader runs for several loads at once, and
  /// ends these loads. False: its loader runs for one load.
  virtual bool run_all() {
    return false;
  }

  load_function loader;
  const write_options how;

  // Written before it joins or begins a load.

  /// The sequence of invalidations when it joined; 0: it began the load.
  std::uint64_t since = 0;
  /// The stale value that it may be served. Not the load's: that one may be older than an
  /// invalidation that this caller has to see.
  std::shared_ptr<const stale_entry> stale;
  /// When it gets `stale`, and when it gets an answer in any case.
  time_point soft_until = never;
  time_point hard_until = never;
};

/// One load in flight. Its callers, its run and the coordinator share it.
struct load_in_flight {
  load_in_flight(load_id number, std::shared_ptr<load_target> target,
                 const hashed_key& of, const tags& known, time_point start)
    : id(number),
      where(std::move(target)),
      key(of),
      named(std::make_shared<load_tags>(known)),
      started(start) {
    // nop
  }

  [[nodiscard]] std::shared_ptr<load_run> present_run() {
    std::lock_guard guard{mutex};
    return run;
  }

  /// Takes a waiter out; returns nullptr when it is none.
  std::shared_ptr<load_waiter> remove(const load_waiter& waiter) {
    std::lock_guard guard{mutex};
    return take_out(waiter);
  }

  /// Its callers when it ended.
  struct left_callers {
    std::shared_ptr<load_waiter> owner; ///< Unless it was answered before.
    std::vector<std::shared_ptr<load_waiter>> waiters;
    std::shared_ptr<load_run> run;
    bool deserted = false;
  };

  /// Ends it and takes its callers out; empty when another thread has. `why`: the error
  /// with which it ended before its run did.
  std::optional<left_callers> end(std::optional<error> why = std::nullopt) {
    std::lock_guard guard{mutex};
    if (now == phase::ended)
      return std::nullopt;
    now = phase::ended;
    if (why)
      refused = std::move(why);
    if (!waiters.empty())
      where->gauge().waiters.fetch_sub(waiters.size());
    return left_callers{owner_is == interest::waits ? std::move(owner)
                                                    : nullptr,
                        std::move(waiters), run, deserted};
  }

  // -- with the mutex ----------------------------------------------------------

  /// The same as `remove`.
  std::shared_ptr<load_waiter> take_out(const load_waiter& waiter) {
    const auto i
      = std::ranges::find(waiters, &waiter, &std::shared_ptr<load_waiter>::get);
    if (i == waiters.end())
      return nullptr;
    auto result = std::move(*i);
    waiters.erase(i);
    where->gauge().waiters.fetch_sub(1);
    return result;
  }

  /// Whether nobody wants its result any more: the caller then has to abandon it.
  bool desert_if_unwanted() {
    if (now != phase::running || owner_is != interest::left || !waiters.empty())
      return false;
    now = phase::settling;
    refused = no_longer_wanted();
    deserted = true;
    return true;
  }

  const load_id id;
  const std::shared_ptr<load_target> where;
  const carried_key key;
  /// The tags that its loaders have named so far.
  const std::shared_ptr<load_tags> named;
  const time_point started;

  enum class phase : std::uint8_t {
    asking, ///< The provider decides about the lease.
    foreign, ///< A client of the server has the lease (GETL): it runs no loader here.
    running,  ///< A loader runs, or waits for a thread.
    settling, ///< Its outcome is on the way through the provider.
    ended,    ///< All callers are answered.
  };

  // The mutex guards the members below. No other lock is taken, and no function of a
  // caller or of the provider called, while it is held, but for `runs_itself` and
  // `accepts`.
  std::mutex mutex;
  phase now = phase::asking;
  std::uint64_t born = 0;
  std::shared_ptr<load_run> run; ///< The present attempt.

  /// The stale value of the key when the load began.
  std::shared_ptr<const stale_entry> stale;

  /// The caller whose loader runs, when a thread of the pool runs it. A caller that runs
  /// its loader itself answers itself.
  std::shared_ptr<load_waiter> owner;
  std::vector<std::shared_ptr<load_waiter>> waiters;

  enum class interest : std::uint8_t {
    waits,    ///< The caller whose loader runs waits for the result.
    answered, ///< It has an answer, and the load goes on for the callers to come.
    left,     ///< It wants no result.
  };
  interest owner_is = interest::waits;

  /// Whether its end counts for the region's limits and breaker.
  bool admitted = false;
  /// Cancelled, because all callers left: those that have joined since ask again.
  bool deserted = false;

  /// With which error it ended before its run did.
  std::optional<error> refused;
};

} // namespace troupe
