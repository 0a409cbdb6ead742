#pragma once

// The supervisor's memory and its decisions: which actors there are, how often
// each crashed, whether it is started again. supervisor_actor.hpp puts the actor
// around it that learns of deaths.
//
//              start                 ended
//   (add) ──► running ──────────────────────► crashes within the window?
//               ▲                              few │           │ too many
//               ├────────── start again ◄──────────┘           ▼
//               └────────── restart (by order) ◄──────── failed (give_up)
//   begin_stop: running ──► ended ──► stopped
//
// Invariants
//   1. A child is started again at most `limit` times within `window`; only it
//      is, not its siblings (one for one).
//   2. The end of an actor is counted once, whoever reports it and how often.
//   3. After `begin_stop` nothing is started.
//   4. Each crash, restart and giving up is counted and reported, in this order.
//   5. `by_name_` holds each child, `by_number_` each running one: there may be
//      hundreds of thousands, so that nothing but a list or the end walks over
//      them.

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/metric_of.hpp>
#include <troupe/messages/types/report_function.hpp>

namespace troupe {

enum class child_state : std::uint8_t {
  restarting, ///< Being started, for the first time or again.
  running,
  failed,  ///< Crashed too often.
  stopped, ///< Ended because the runtime drains.
};

std::string_view to_string(child_state x) noexcept;

/// What an actor holds and did.
struct child_figures {
  std::uint64_t mailbox_depth = 0;
  std::uint64_t handled = 0;
  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;
};

/// What a supervisor has to know of an actor.
struct child_spec {
  std::string name; ///< Unique.
  std::string parent;
  std::string kind;

  /// Starts the actor, makes it known and has its death reported; returns a
  /// number that no other actor ever has. `again` tells that it is a restart, also
  /// of one that was given up.
  std::function<std::uint64_t(bool again)> start;

  /// Has the death of the actor reported, also when it is dead already; for a
  /// new supervisor actor.
  std::function<void()> watch;

  /// Tells the actor to end: as a crash would, or in order.
  std::function<void(bool crash)> end;

  /// It crashed too often. Empty: it is always started again.
  std::function<void()> give_up;

  std::function<child_figures()> figures;
};

/// What happened to all actors of a supervisor.
struct supervision_figures {
  std::uint64_t crashes = 0;       ///< Ends that nobody ordered, or `kill` did.
  std::uint64_t restarts = 0;      ///< After crashes, and by order.
  std::uint64_t failed = 0;        ///< Actors that stay down at present.
  std::uint64_t shards_failed = 0; ///< Those of them that are shards.
};

/// What these are as metrics. Failed shards are counted by their regions.
inline constexpr std::array supervision_metrics{
  metric_of<supervision_figures>{{.name = "troupe_actor_crashes_total",
                                  .help = "Actors that ended by a crash.",
                                  .info = {"stats", "actor_crashes", true}},
                                 metric_member<&supervision_figures::crashes>},
  metric_of<supervision_figures>{{.name = "troupe_actor_restarts_total",
                                  .help = "Actors that were started again.",
                                  .info = {"stats", "actor_restarts", true}},
                                 metric_member<&supervision_figures::restarts>},
  metric_of<supervision_figures>{
    {.name = "troupe_failed_actors",
     .help = "Actors that crashed too often and stay down.",
     .kind = metric_kind::gauge,
     .info = {"stats", "actors_failed"}},
    metric_member<&supervision_figures::failed>},
};

/// One row of the list.
struct child_view {
  std::string name;
  std::string parent;
  std::string kind;
  child_state state = child_state::restarting;
  std::uint64_t restarts = 0;
  child_figures figures;
};

/// Thread-safe. The functions of a `child_spec` are called by whoever calls the
/// supervisor, and must not call it back.
class supervisor {
public:
  /// `time` must outlive the supervisor. `report` may be empty.
  supervisor(const clock& time, std::uint32_t limit,
             std::chrono::milliseconds window, report_function report = {})
    : time_(time), limit_(limit), window_(window), report_(std::move(report)) {
    // nop
  }

  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Starts an actor. Constant time beside that. Rethrows what `start` throws.
  /// Errors: `shutting_down`, `invalid_argument` (the name is taken).
  expected<void> add(child_spec spec);

  /// The actor with this number is dead, for this reason if it is known: starts it
  /// again or gives it up. Constant time beside that.
  void ended(std::uint64_t number, std::string_view reason = {});

  /// Has all deaths reported again, of those included that happened meanwhile.
  void watch_all();

  /// Ends an actor as a crash would. Errors: `unknown_actor` (also when it is
  /// not running).
  expected<void> kill(std::string_view name);

  /// Starts an actor again that was given up, as if it had never crashed. Constant
  /// time beside that. Errors: `unknown_actor`, `invalid_argument` (it is not down),
  /// `shutting_down`, `system_error` (it cannot be started; it stays down).
  expected<void> restart(std::string_view name);

  /// Tells all actors to end, the youngest first.
  void begin_stop();

  /// What did not end: the names of the first actors, and how many there are.
  struct remaining {
    std::vector<std::string> names;
    std::size_t count = 0;
  };

  /// Waits for all actors to end: until `deadline`, and beyond it for as long as
  /// at least one more ends within each `patience`, as many actors may take their
  /// time although none is stuck. Names `most` of those that have not by then.
  [[nodiscard]] remaining
  await_stopped(std::chrono::steady_clock::time_point deadline,
                std::chrono::milliseconds patience, std::size_t most);

  /// The actors whose name starts with `prefix`, parents before children.
  [[nodiscard]] std::vector<child_view> list(std::string_view prefix) const;

  /// Whether somebody answers who asks this actor, now or once it was started again.
  /// Errors: `shard_down` (it was given up), and what to do. No error for what is
  /// unknown here.
  [[nodiscard]] expected<void> check_not_failed(std::string_view name) const;

  [[nodiscard]] std::size_t size() const;

  [[nodiscard]] supervision_figures figures() const;

private:
  struct child {
    child_spec spec;
    child_state state = child_state::restarting;
    std::uint64_t number = 0;
    std::uint64_t restarts = 0;
    std::deque<time_point> crashes; ///< Within the window, oldest first.
  };

  enum class verdict : std::uint8_t { ignore, start_again, give_up };

  verdict judge(child& x);
  void start(child& x, bool again);
  void give_up(child& x);
  void count_failed(const child& x, bool comes);
  void report(const std::string& line) const;
  void forget_last();
  child* find(std::string_view name) const;

  const clock& time_;
  const std::uint32_t limit_;
  const std::chrono::milliseconds window_;
  const report_function report_;

  /// One start, death or stop at a time. Taken before `mutex_`.
  std::mutex turn_;

  /// Guards what follows; not held while functions of a child run.
  mutable std::mutex mutex_;
  std::condition_variable all_ended_;
  bool stopping_ = false;
  supervision_figures figures_;
  std::vector<std::unique_ptr<child>> children_; ///< Parents before children.
  /// The names are the specifications' own.
  std::unordered_map<std::string_view, child*> by_name_;
  std::unordered_map<std::uint64_t, child*> by_number_;
};

} // namespace troupe
