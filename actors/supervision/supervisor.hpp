#pragma once

// The supervisor's state and decisions: which actors there are, how often each crashed,
// whether it is started again. supervisor_actor.hpp puts the actor around it that is
// informed of deaths.
//
//              start                 ended
//   (add) ──► running ──────────────────────► crashes within the window?
//               ▲                              few │           │ too many
//               ├────────── start again ◄──────────┘           ▼
//               └────────── restart (command) ◄───────── failed (give_up)
//   begin_stop: running ──► ended ──► stopped
//
// Invariants
//   1. A child is started again at most `limit` times within `window`. Its siblings are
//      not restarted with it (one for one).
//   2. The end of an actor is counted once, even when it is reported several times.
//   3. After `begin_stop` no actor is started.
//   4. Each crash, restart and giving up is counted and reported, in this order.
//   5. `by_name_` holds each child, `by_number_` each running one. There may be
//      hundreds of thousands of children, so only a list and the end of the runtime
//      iterate over them.

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
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

/// The figures of an actor.
struct child_figures {
  std::uint64_t mailbox_depth = 0;
  std::uint64_t handled = 0;
  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;
};

/// What a supervisor needs to know of an actor.
struct child_spec {
  std::string name; ///< Unique.
  std::string parent;
  std::string kind;

  /// Starts the actor, publishes its handle and has its death reported. Returns a
  /// number that no other actor ever has. `again`: it is a restart, also of an actor
  /// that was given up.
  std::function<std::uint64_t(bool again)> start;

  /// Has the death of the actor reported, also when it is already dead; for a new
  /// supervisor actor.
  std::function<void()> watch;

  /// Ends the actor: like a crash, or normally.
  std::function<void(bool crash)> end;

  /// Called when it crashed too often. Empty: it is always started again.
  std::function<void()> give_up;

  std::function<child_figures()> figures;
};

/// Events of all actors of a supervisor, counted.
struct supervision_figures {
  std::uint64_t crashes = 0;       ///< Ends without an order, or by `kill`.
  std::uint64_t restarts = 0;      ///< After crashes and by command.
  std::uint64_t failed = 0;        ///< Actors that stay down now.
  std::uint64_t shards_failed = 0; ///< Failed actors that are shards.
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

/// Thread-safe. The functions of a `child_spec` are called on the threads that call the
/// supervisor, and must not call it.
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

  /// Starts an actor. Otherwise constant time. Rethrows exceptions of `start`. Errors:
  /// `shutting_down`, `invalid_argument` (the name is taken).
  expected<void> add(child_spec spec);

  /// Reports the death of the actor with this number, with its reason if known: starts
  /// it again or gives it up. Otherwise constant time.
  void ended(std::uint64_t number, std::string_view reason = {});

  /// Has all deaths reported again, including those that happened meanwhile.
  void watch_all();

  /// Ends an actor in the same way as a crash. Errors: `unknown_actor` (also when it is
  /// not running).
  expected<void> kill(std::string_view name);

  /// Starts an actor again that was given up, and resets its count of crashes.
  /// Otherwise constant time. Errors: `unknown_actor`, `invalid_argument` (it is not
  /// down), `shutting_down`, `system_error` (it cannot be started; it stays down).
  expected<void> restart(std::string_view name);

  /// Actors that `dismiss` ends for good.
  class departure;

  /// Ends an actor and its children, the youngest first; none of them is started again.
  /// Linear in the number of all actors.
  [[nodiscard]] departure dismiss(std::string_view name);

  /// Waits until they have ended, at most `patience`, and removes them, so that their
  /// names can be used again.
  void await_departed(const departure& which,
                      std::chrono::milliseconds patience);

  /// Ends all actors, the youngest first.
  void begin_stop();

  /// The actors that did not end: the names of the first ones, and their number.
  struct remaining {
    std::vector<std::string> names;
    std::size_t count = 0;
  };

  /// Waits for all actors to end: until `deadline`, and longer while at least one more
  /// ends within each `patience`, because many actors may take their time although none
  /// is stuck. Returns `most` names of those that have not ended.
  [[nodiscard]] remaining
  await_stopped(std::chrono::steady_clock::time_point deadline,
                std::chrono::milliseconds patience, std::size_t most);

  /// The actors whose name starts with `prefix`, parents before children.
  [[nodiscard]] std::vector<child_view> list(std::string_view prefix) const;

  /// Whether a request to this actor will be answered, now or after a restart. Errors:
  /// `shard_down` (it was given up), with what to do. No error for an unknown name.
  [[nodiscard]] expected<void> check_not_failed(std::string_view name) const;

  /// Whether an actor has this name, alive or not. Constant time.
  [[nodiscard]] bool contains(std::string_view name) const;

  [[nodiscard]] std::size_t size() const;

  [[nodiscard]] supervision_figures figures() const;

private:
  struct child {
    child_spec spec;
    std::uint64_t order
      = 0;               ///< Those that were added before have smaller ones.
    bool leaves = false; ///< It is not started again.
    child_state state = child_state::restarting;
    std::uint64_t number = 0;
    std::uint64_t restarts = 0;
    std::vector<time_point> crashes; ///< Within the window, oldest first.
  };

  enum class verdict : std::uint8_t { ignore, start_again, give_up };

  verdict judge(child& x);
  void start(child& x, bool again);
  void give_up(child& x);
  void count_failed(const child& x, bool comes);
  void report(const std::string& line) const;
  void forget_last();
  child* find(std::string_view name) const;
  void sort_by_family(std::vector<std::shared_ptr<child>>& which) const;

  const clock& time_;
  const std::uint32_t limit_;
  const std::chrono::milliseconds window_;
  const report_function report_;

  /// One start, death or stop at a time. Taken before `mutex_`.
  std::mutex turn_;

  /// Guards the rest; not held while functions of a child run.
  mutable std::mutex mutex_;
  std::condition_variable all_ended_;
  bool stopping_ = false;
  supervision_figures figures_;
  std::uint64_t added_ = 0;
  std::vector<std::shared_ptr<child>> children_; ///< Parents before children.
  /// The keys refer to the names in the specifications.
  std::unordered_map<std::string_view, child*> by_name_;
  std::unordered_map<std::uint64_t, child*> by_number_;
};

class supervisor::departure {
  friend class supervisor;

  std::vector<std::shared_ptr<child>> children_;
};

} // namespace troupe
