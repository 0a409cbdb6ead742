#pragma once

// Decides whether the history of one key is linearizable: whether every operation
// can be given a moment within its interval, so that in the order of the moments
// each result follows from what came before. Keys are checked one by one, as
// linearizability of the whole follows from that of its parts (Herlihy and Wing,
// 1990). Operations on many keys (clear, tags) are an operation on each.
//
// The state of a key is its value, the bounds of its deadline, its tags and the
// loads that hold its lease. The checker goes through starts and ends of the
// operations in the order of time and keeps every configuration that the history
// so far allows: a state, and which of the open operations took effect already
// (G. Lowe, "Testing for linearizability", 2017: just-in-time linearization). An
// operation that ends must have taken effect, perhaps after others that are open.
//
//   - What only observes takes effect as soon as the state allows it: that
//     excludes nothing. So reads cost no configurations.
//   - A history comes in windows that begin and end while no operation is open;
//     the states possible at the end of one are those at the start of the next.
//     Memory is bounded by the window.
//   - With n operations, w of them open at a time and few writers among these,
//     time is in O(n * 2^w); w is about 1 when operations are short.
//
// Expiry: an entry is absent for an operation that began at or after the latest
// moment of its deadline, and present for one that ended before the earliest one.
// Eviction: an `evictable` key may become absent at any moment.
//
// A region may serve stale values and refresh live ones (`refreshes`). A stale answer is
// no linearizable read. It is judged by itself: the value must have been written, and no
// operation that removes it may lie wholly between its writing and the question.
//
// Before that, a simpler rule is looked at for its own sake: a value whose loader
// read the database before a change is not seen by an operation that starts after
// the invalidation of that change returned.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "histories/operation.hpp"

namespace histories {

/// What is wrong with a history.
struct violation {
  std::string rule; ///< One sentence.
  std::string text; ///< The part of the history around it, several lines.
};

/// Not thread-safe.
class key_checker {
public:
  explicit key_checker(bool evictable, bool refreshes = false)
    : evictable_(evictable), refreshes_(refreshes) {
    // nop
  }

  /// Takes the key's operations of the next window, in any order, and judges
  /// them. After a violation the checker is of no more use. A history with too
  /// many possible orders to try is a violation, too; the rule then says that.
  std::optional<violation> check(std::vector<operation> window,
                                 const std::vector<load_run>& loads);

  /// Most configurations at a time, so that a check ends.
  static constexpr std::size_t most_configurations = 200'000;

private:
  struct state {
    value_id value = absent;
    nanoseconds earliest = no_deadline; ///< Bounds of the deadline.
    nanoseconds latest = no_deadline;
    tag_mask tags = 0;
    std::uint16_t loads = 0; ///< Slots of loads that hold the lease.
    bool touched = false;    ///< Since the value was written.

    friend bool operator==(const state&, const state&) = default;
  };

  struct configuration {
    state now;
    std::uint64_t done = 0; ///< Slots of open operations that took effect.

    friend bool operator==(const configuration&, const configuration&)
      = default;
  };

  struct hash {
    std::size_t operator()(const configuration& x) const noexcept;
  };

  /// What may follow from one operation; there are never more.
  struct outcomes {
    std::array<state, 4> states;
    std::size_t size = 0;

    void add(const state& x);
  };

  struct loaded_value {
    std::uint64_t database = 0;
    tag_mask tags = 0;
  };

  static constexpr std::size_t operation_slots = 64;
  static constexpr std::size_t load_slots = 16;

  [[nodiscard]] bool may_be_absent(const state& x,
                                   const operation& by) const noexcept;
  [[nodiscard]] outcomes apply(const operation& x, const state& before) const;
  void effect(const operation& x, const state& before, bool present,
              outcomes& result) const;
  [[nodiscard]] static state stored(const operation& x, const state& before,
                                    bool present);
  void absorb(configuration& x) const;
  bool finish(std::size_t slot, bool& too_many);

  void add_loads(std::vector<operation>& window,
                 const std::vector<load_run>& loads);
  [[nodiscard]] std::optional<violation>
  look_for_stale(const std::vector<operation>& window);
  [[nodiscard]] std::optional<violation>
  judge_stale(const std::vector<operation>& window,
              const std::vector<load_run>& loads);
  [[nodiscard]] std::optional<violation>
  search(const std::vector<operation>& window);
  [[nodiscard]] std::string explain(const std::vector<operation>& window,
                                    const operation& at) const;
  [[nodiscard]] std::string
  excerpt(const std::vector<operation>& window, const operation& at,
          const std::vector<configuration>* before) const;

  bool evictable_;
  bool refreshes_;
  std::vector<configuration> possible_{configuration{}};
  std::unordered_map<value_id, loaded_value> loaded_;
  /// With `refreshes_`: values of earlier windows that may be served as stale, with their
  /// tags.
  std::unordered_map<value_id, tag_mask> lingering_;
  /// By tag, and last for all entries: the latest change of the database whose
  /// invalidation returned.
  std::array<std::uint64_t, tag_count + 1> invalidated_{};

  // Of the search.
  std::array<const operation*, operation_slots> open_{};
  std::uint64_t occupied_ = 0;
  std::unordered_map<value_id, std::size_t> load_slot_;
  std::array<tag_mask, load_slots> load_tags_{};
};

} // namespace histories
