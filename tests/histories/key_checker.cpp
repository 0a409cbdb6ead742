#include "histories/key_checker.hpp"

#include <algorithm>
#include <bit>
#include <unordered_set>
#include <utility>

namespace histories {

namespace {

/// Operations shown before and after the one that cannot be explained.
constexpr std::size_t shown_before = 24;
constexpr std::size_t shown_after = 4;

/// An end of an interval. At the same moment starts come first: such operations
/// overlap.
struct moment {
  nanoseconds at;
  bool is_end;
  std::uint32_t index;

  friend bool operator<(const moment& x, const moment& y) {
    if (x.at != y.at)
      return x.at < y.at;
    if (x.is_end != y.is_end)
      return y.is_end;
    return x.index < y.index;
  }
};

std::vector<moment> moments_of(const std::vector<operation>& window) {
  std::vector<moment> result;
  result.reserve(window.size() * 2);
  for (std::uint32_t i = 0; i < window.size(); ++i) {
    result.push_back({window[i].start, false, i});
    result.push_back({window[i].end, true, i});
  }
  std::sort(result.begin(), result.end());
  return result;
}

bool only_observes(const operation& x) {
  return x.make == makes::nothing;
}

/// Whether `x` names a value that it found.
bool saw_value(const operation& x) {
  return (x.need == needs::source || x.need == needs::loading
          || x.need == needs::stale)
         && x.source != absent;
}

/// Whether `x`, wherever it took effect, leaves no value `v` behind that was
/// stored before.
bool removes(const operation& x, value_id v, tag_mask tags) {
  switch (x.make) {
    case makes::store:
      return x.result != v;
    case makes::erase:
      return true;
    case makes::invalidate:
      return (x.tags & tags) != 0;
    default:
      return false;
  }
}

nanoseconds later_by(nanoseconds at, nanoseconds ttl) {
  return ttl == no_deadline ? no_deadline : at + ttl;
}

} // namespace

std::size_t
key_checker::hash::operator()(const configuration& x) const noexcept {
  auto mix = [](std::uint64_t seed, std::uint64_t y) {
    seed ^= y;
    seed *= 0x9e3779b97f4a7c15u;
    return seed ^ (seed >> 29);
  };
  auto result = mix(x.done, x.now.value);
  result = mix(result, static_cast<std::uint64_t>(x.now.latest));
  return mix(result, (std::uint64_t{x.now.loads} << 16) | x.now.tags);
}

void key_checker::outcomes::add(const state& x) {
  for (std::size_t i = 0; i < size; ++i)
    if (states[i] == x)
      return;
  states[size++] = x;
}

// -- one operation -----------------------------------------------------------------

bool key_checker::may_be_absent(const state& x,
                                const operation& by) const noexcept {
  return x.value == absent || evictable_ || by.clock_end >= x.earliest;
}

/// The state after `x` stored its result over `before`.
key_checker::state key_checker::stored(const operation& x, const state& before,
                                       bool present) {
  state result;
  result.value = x.result;
  result.tags = x.keep_tags && present ? before.tags : x.tags;
  if (x.rule == deadline_rule::keep && present) {
    result.earliest = before.earliest;
    result.latest = before.latest;
  } else if (x.rule == deadline_rule::exact) {
    result.earliest = x.ttl;
    result.latest = x.ttl;
  } else {
    result.earliest = later_by(x.clock_start, x.ttl);
    result.latest = later_by(x.clock_end, x.ttl);
  }
  return result;
}

/// Adds what `x` makes of `before`, which fulfils its need.
void key_checker::effect(const operation& x, const state& before, bool present,
                         outcomes& result) const {
  // An entry that expired or was evicted leaves nothing behind.
  auto base = before;
  if (!present && before.value != absent) {
    base = {};
    // But a lease that was granted for a refresh stays.
    base.loads = before.loads;
  }
  switch (x.make) {
    case makes::nothing:
      result.add(base);
      break;
    case makes::store:
      result.add(stored(x, base, present));
      break;
    case makes::erase:
      result.add({});
      break;
    case makes::touch: {
      auto next = base;
      auto deadline = stored(x, base, false);
      next.earliest = deadline.earliest;
      next.latest = deadline.latest;
      next.touched = true;
      result.add(next);
      break;
    }
    case makes::invalidate: {
      auto next = base;
      if ((base.tags & x.tags) != 0) {
        // The lease of a refresh stays, unless its own tags are among them.
        next = {};
        next.loads = base.loads;
      }
      for (std::size_t i = 0; i < load_slots; ++i)
        if (((next.loads >> i) & 1u) != 0 && (load_tags_[i] & x.tags) != 0)
          next.loads = static_cast<std::uint16_t>(next.loads & ~(1u << i));
      result.add(next);
      break;
    }
    case makes::load_begin: {
      if (present && !refreshes_)
        break; // A lease is granted for what is absent.
      auto next = base;
      next.loads = static_cast<std::uint16_t>(
        next.loads | (1u << load_slot_.at(x.result)));
      result.add(next);
      break;
    }
    case makes::load_end: {
      // It may be dropped in any case, but it is stored only under its lease.
      auto bit = 1u << load_slot_.at(x.result);
      if ((base.loads & bit) != 0 && x.fate != load_fate::fenced)
        result.add(x.nothing ? state{} : stored(x, base, false));
      if (x.fate == load_fate::stored)
        break;
      auto next = base;
      next.loads = static_cast<std::uint16_t>(next.loads & ~bit);
      result.add(next);
      break;
    }
  }
}

/// The states that `x` may lead to when it takes effect in `before`; none when its
/// result does not follow from that.
key_checker::outcomes key_checker::apply(const operation& x,
                                         const state& before) const {
  outcomes result;
  const auto alive = before.value != absent && x.clock_start < before.latest;
  const auto gone = may_be_absent(before, x);
  auto hit = alive;
  auto miss = gone;
  switch (x.need) {
    case needs::nothing:
      break;
    case needs::miss:
      hit = false;
      break;
    case needs::hit:
      miss = false;
      break;
    case needs::source:
      hit = alive && x.source == before.value;
      miss = gone && x.source == absent;
      break;
    case needs::loading: {
      hit = alive && x.source == before.value;
      miss = false;
      if (auto i = load_slot_.find(x.source);
          (refreshes_ ? gone : before.value == absent) && i != load_slot_.end())
        miss = ((before.loads >> i->second) & 1u) != 0;
      break;
    }
    case needs::stale:
      break; // Judged apart.
    case needs::other_version:
      hit = alive && (before.value != x.source || before.touched);
      break;
    case needs::remaining:
      miss = false;
      if (x.remaining < 0)
        hit = alive && before.earliest == no_deadline;
      else
        // It is the time that was left, rounded up to a millisecond.
        hit = alive && before.earliest != no_deadline
              && x.remaining * 1'000'000 >= before.earliest - x.clock_end
              && (x.remaining - 1) * 1'000'000 < before.latest - x.clock_start;
      break;
  }
  // A state whose entry may be gone stands for the one without it, too, until an
  // operation tells them apart.
  if (hit && (x.make == makes::invalidate || x.make == makes::load_end))
    miss = false;
  if (hit)
    effect(x, before, true, result);
  if (miss)
    effect(x, before, false, result);
  return result;
}

// -- the search --------------------------------------------------------------------

/// Lets every open operation take effect that only observes and agrees with the
/// state. None of them changes it, so the order does not matter.
void key_checker::absorb(configuration& x) const {
  for (auto left = occupied_ & ~x.done; left != 0; left &= left - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(left));
    if (!only_observes(*open_[slot]))
      continue;
    auto next = apply(*open_[slot], x.now);
    for (std::size_t i = 0; i < next.size; ++i)
      if (next.states[i] == x.now)
        x.done |= std::uint64_t{1} << slot;
  }
}

/// The operation in `slot` has ended: keeps what is possible when it took effect.
/// False when nothing is.
bool key_checker::finish(std::size_t slot, bool& too_many) {
  const auto bit = std::uint64_t{1} << slot;
  std::vector<configuration> kept;
  std::vector<configuration> todo;
  for (auto& x : possible_)
    if ((x.done & bit) != 0)
      kept.push_back({x.now, x.done & ~bit});
    else
      todo.push_back(x);
  if (!todo.empty()) {
    std::unordered_set<configuration, hash> seen{todo.begin(), todo.end()};
    while (!todo.empty()) {
      const auto x = todo.back();
      todo.pop_back();
      for (auto left = occupied_ & ~x.done; left != 0; left &= left - 1) {
        const auto other = static_cast<std::size_t>(std::countr_zero(left));
        const auto next = apply(*open_[other], x.now);
        for (std::size_t i = 0; i < next.size; ++i) {
          configuration y{next.states[i], x.done | (std::uint64_t{1} << other)};
          absorb(y);
          if ((y.done & bit) != 0) {
            kept.push_back({y.now, y.done & ~bit});
          } else if (seen.insert(y).second) {
            todo.push_back(y);
          }
        }
      }
      if (seen.size() + kept.size() > most_configurations) {
        too_many = true;
        return false;
      }
    }
    if (kept.size() > 1) {
      std::unordered_set<configuration, hash> once{kept.begin(), kept.end()};
      kept.assign(once.begin(), once.end());
    }
  }
  occupied_ &= ~bit;
  if (kept.empty())
    return false;
  possible_ = std::move(kept);
  return true;
}

std::optional<violation>
key_checker::search(const std::vector<operation>& window) {
  std::vector<std::uint8_t> slots(window.size());
  occupied_ = 0;
  load_slot_.clear();
  std::uint16_t load_slots_taken = 0;
  auto undecided = [&](const operation& at) {
    return violation{"undecided: too many operations overlap to try all their "
                     "orders; use fewer threads or more keys",
                     excerpt(window, at, nullptr)};
  };
  for (auto& x : moments_of(window)) {
    auto& op = window[x.index];
    if (!x.is_end) {
      if (op.make == makes::load_begin) {
        const auto slot
          = static_cast<std::size_t>(std::countr_one(load_slots_taken));
        if (slot >= load_slots)
          return undecided(op);
        load_slots_taken
          = static_cast<std::uint16_t>(load_slots_taken | (1u << slot));
        load_slot_[op.result] = slot;
        load_tags_[slot] = op.tags;
      }
      const auto slot = static_cast<std::size_t>(std::countr_one(occupied_));
      if (slot >= operation_slots)
        return undecided(op);
      slots[x.index] = static_cast<std::uint8_t>(slot);
      open_[slot] = &op;
      occupied_ |= std::uint64_t{1} << slot;
      if (only_observes(op))
        for (auto& c : possible_)
          absorb(c);
      continue;
    }
    const auto before = occupied_;
    auto too_many = false;
    if (!finish(slots[x.index], too_many)) {
      if (too_many)
        return undecided(op);
      occupied_ = before;
      return violation{explain(window, op), excerpt(window, op, &possible_)};
    }
    if (op.make == makes::load_end) {
      auto i = load_slot_.find(op.result);
      load_slots_taken
        = static_cast<std::uint16_t>(load_slots_taken & ~(1u << i->second));
      load_slot_.erase(i);
    }
  }
  return std::nullopt;
}

// -- the whole ---------------------------------------------------------------------

/// A run of a loader is two operations: it takes the key's lease before it starts,
/// and gives it back, with the value, before the first caller is answered.
void key_checker::add_loads(std::vector<operation>& window,
                            const std::vector<load_run>& loads) {
  if (loads.empty())
    return;
  std::unordered_map<value_id, std::pair<nanoseconds, nanoseconds>> answered;
  auto last = std::pair<nanoseconds, nanoseconds>{0, 0};
  for (auto& x : window) {
    last = std::max(last, std::pair{x.end, x.clock_end});
    if (x.need != needs::loading)
      continue;
    auto [i, added] = answered.try_emplace(x.source, x.end, x.clock_end);
    if (!added)
      i->second = std::min(i->second, std::pair{x.end, x.clock_end});
  }
  std::unordered_map<value_id, load_fate> fates;
  for (auto& x : window)
    if (x.fate != load_fate::unknown)
      fates[x.source] = x.fate;
  for (auto& x : loads) {
    loaded_[x.value] = {x.database, x.tags};
    operation begin;
    begin.call = "(load)";
    begin.make = makes::load_begin;
    begin.thread = x.thread;
    begin.tags = x.tags;
    begin.result = x.value;
    begin.start = x.asked;
    begin.end = x.began;
    begin.clock_start = x.clock_asked;
    begin.clock_end = x.clock_began;
    auto end = begin;
    end.make = makes::load_end;
    end.ttl = x.ttl;
    end.nothing = x.nothing;
    if (auto i = fates.find(x.value); i != fates.end())
      end.fate = i->second;
    auto first = last;
    if (x.ended != 0)
      first = std::min(first, std::pair{x.ended, x.clock_ended});
    if (auto i = answered.find(x.value); i != answered.end())
      first = std::min(first, i->second);
    end.start = x.returned;
    end.clock_start = x.clock_returned;
    // Without any answer it may be stored until the window ends. A value that was
    // answered before its loader returned is found out by the search.
    end.end = std::max(first.first, x.returned);
    end.clock_end = std::max(first.second, x.clock_returned);
    window.push_back(begin);
    window.push_back(end);
  }
}

std::optional<violation>
key_checker::look_for_stale(const std::vector<operation>& window) {
  for (auto& x : moments_of(window)) {
    auto& op = window[x.index];
    if (x.is_end) {
      if (op.database == 0)
        continue;
      for (unsigned i = 0; i < tag_count; ++i)
        if (op.make == makes::invalidate && ((op.tags >> i) & 1u) != 0)
          invalidated_[i] = std::max(invalidated_[i], op.database);
      if (op.make == makes::erase)
        invalidated_[tag_count]
          = std::max(invalidated_[tag_count], op.database);
      continue;
    }
    if (!saw_value(op))
      continue;
    auto loaded = loaded_.find(op.source);
    if (loaded == loaded_.end())
      continue;
    auto newest = invalidated_[tag_count];
    for (unsigned i = 0; i < tag_count; ++i)
      if (((loaded->second.tags >> i) & 1u) != 0)
        newest = std::max(newest, invalidated_[i]);
    if (newest > loaded->second.database)
      return violation{
        "stale: " + text_of(op.source) + " was loaded before change "
          + std::to_string(newest) + " of the database (its loader saw change "
          + std::to_string(loaded->second.database)
          + "), and was seen by an operation that started after the "
            "invalidation for that change had returned",
        excerpt(window, op, nullptr)};
  }
  return std::nullopt;
}

/// Judges the stale answers, and notes which values may be served as stale from now on.
std::optional<violation>
key_checker::judge_stale(const std::vector<operation>& window,
                         const std::vector<load_run>& loads) {
  struct origin {
    nanoseconds since = 0; ///< What removes the value began after this moment.
    nanoseconds start = 0; ///< It was not there before.
    tag_mask tags = 0;
  };
  std::unordered_map<value_id, origin> writers;
  for (auto& [value, tags] : lingering_)
    writers[value] = {0, 0, tags};
  for (auto& x : window)
    if (x.make == makes::store)
      // Tags that were kept are not known: no invalidation counts.
      writers[x.result] = {x.end, x.start, x.keep_tags ? tag_mask{0} : x.tags};
  // An invalidation that began after the loader had voids the lease, or removes the value.
  for (auto& x : loads)
    if (!x.nothing)
      writers[x.value] = {x.began, x.began, x.tags};
  const auto removed = [&](value_id v, const origin& by, nanoseconds before) {
    return std::ranges::find_if(window, [&, v](const operation& r) {
      return removes(r, v, by.tags) && r.start > by.since && r.end < before;
    });
  };
  for (auto& x : window) {
    if (x.need != needs::stale)
      continue;
    const auto found = writers.find(x.source);
    if (found == writers.end() || found->second.start > x.end)
      return violation{"stale: a load was answered " + text_of(x.source)
                         + ", which was not written yet, or was removed in an "
                           "earlier window",
                       excerpt(window, x, nullptr)};
    if (const auto r = removed(x.source, found->second, x.start);
        r != window.end())
      return violation{"stale: a load was answered " + text_of(x.source)
                         + ", which '" + std::string{r->call} + "' of thread "
                         + std::to_string(unsigned{r->thread})
                         + " had removed before the load was asked for",
                       excerpt(window, x, nullptr)};
  }
  lingering_.clear();
  for (auto& [value, by] : writers)
    if (removed(value, by, no_deadline) == window.end())
      lingering_[value] = by.tags;
  return std::nullopt;
}

std::optional<violation>
key_checker::check(std::vector<operation> window,
                   const std::vector<load_run>& loads) {
  add_loads(window, loads);
  std::sort(window.begin(), window.end(),
            [](const operation& x, const operation& y) {
              return std::pair{x.start, x.end} < std::pair{y.start, y.end};
            });
  if (auto found = look_for_stale(window))
    return found;
  if (refreshes_) {
    if (auto found = judge_stale(window, loads))
      return found;
    std::erase_if(window,
                  [](const operation& x) { return x.need == needs::stale; });
  }
  if (auto found = search(window))
    return found;
  // Nothing is open, so no load is in flight.
  for (auto& x : possible_)
    x.now.loads = 0;
  std::unordered_set<configuration, hash> once{possible_.begin(),
                                               possible_.end()};
  possible_.assign(once.begin(), once.end());
  std::erase_if(loaded_, [this](auto& x) {
    return std::none_of(possible_.begin(), possible_.end(),
                        [&](auto& c) { return c.now.value == x.first; });
  });
  return std::nullopt;
}

// -- reports -----------------------------------------------------------------------

/// Names the rule that `at` breaks, as far as one operation is enough to say that.
std::string key_checker::explain(const std::vector<operation>& window,
                                 const operation& at) const {
  const std::string order
    = "not linearizable: no order of the overlapping operations explains what '"
      + std::string{at.call} + "' found; ";
  if (!saw_value(at)) {
    if (at.need == needs::miss || at.need == needs::source)
      return order
             + "it found the key absent, although a value was there that had "
               "neither expired nor been removed"
             + (evictable_ ? "" : ", and nothing is evicted");
    if (at.need == needs::hit || at.need == needs::remaining)
      return order
             + "it found an entry (or a deadline) that cannot have been there";
    return order + "see the possible states below";
  }
  const auto v = at.source;
  const operation* writer = nullptr;
  for (auto& x : window)
    if ((x.make == makes::store || x.make == makes::load_end) && x.result == v)
      writer = &x;
  if (writer == nullptr)
    return order
           + (std::any_of(possible_.begin(), possible_.end(),
                          [&](auto& x) { return x.now.value == v; })
                ? "it found a value of an earlier window that is gone"
                : "it found " + text_of(v)
                    + ", which nobody wrote (or which was gone before this "
                      "window)");
  if (writer->start > at.end)
    return order + "it found " + text_of(v) + " before that was written";
  // For a load it is enough that the removal began after the loader had.
  auto since = writer->end;
  auto tags = writer->tags;
  for (auto& x : window)
    if (x.make == makes::load_begin && x.result == v)
      since = x.end;
  for (auto& x : window)
    if (removes(x, v, tags) && x.start > since && x.end < at.start)
      return order + "it found " + text_of(v) + ", which '"
             + std::string{x.call} + "' of thread "
             + std::to_string(unsigned{x.thread})
             + " had removed before it began";
  for (auto& x : window)
    if (x.make == makes::nothing && x.start > writer->end && x.end < at.start
        && (x.need == needs::miss
            || (x.need == needs::source && x.source == absent)))
      return order + "it found " + text_of(v)
             + " after the key had been found absent by '" + std::string{x.call}
             + "' of thread " + std::to_string(unsigned{x.thread});
  if (writer->ttl != no_deadline && writer->rule == deadline_rule::fresh
      && at.clock_start >= later_by(writer->clock_end, writer->ttl))
    return order + "it found " + text_of(v) + " after its TTL";
  return order + "it found " + text_of(v)
         + ", which was not there at any moment of its interval";
}

/// The operations around `at`, and the states that were possible before it ended.
std::string
key_checker::excerpt(const std::vector<operation>& window, const operation& at,
                     const std::vector<configuration>* before) const {
  const auto index = static_cast<std::size_t>(&at - window.data());
  // Those that ended last before `at` did, those of its value, and those after.
  std::vector<std::size_t> shown;
  std::vector<std::size_t> by_end;
  for (std::size_t i = 0; i < window.size(); ++i)
    if (window[i].start <= at.end)
      by_end.push_back(i);
  std::sort(by_end.begin(), by_end.end(),
            [&](auto x, auto y) { return window[x].end < window[y].end; });
  for (auto i : by_end)
    if (saw_value(at)
        && (window[i].result == at.source || window[i].source == at.source))
      shown.push_back(i);
  if (shown.size() > shown_before)
    shown.erase(shown.begin() + 8, shown.end() - shown_before + 8);
  auto skip = by_end.size() > shown_before ? by_end.size() - shown_before : 0;
  shown.insert(shown.end(), by_end.begin() + static_cast<std::ptrdiff_t>(skip),
               by_end.end());
  for (auto i = index + 1; i < window.size() && i <= index + shown_after; ++i)
    shown.push_back(i);
  shown.push_back(index);
  std::sort(shown.begin(), shown.end());
  shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
  const auto origin = window[shown.front()].start;
  std::string result;
  for (auto i : shown)
    result
      += (i == index ? "  > " : "    ") + text_of(window[i], origin) + "\n";
  if (before == nullptr)
    return result;
  result += "  Possible states before it ended, "
            + std::to_string(before->size()) + ":\n";
  std::size_t lines = 0;
  for (auto& x : *before) {
    if (++lines > 8) {
      result += "    ...\n";
      break;
    }
    result += "    " + text_of(x.now.value);
    if (x.now.latest != no_deadline)
      result += ", expires at " + std::to_string(x.now.earliest / 1'000'000)
                + " .. " + std::to_string(x.now.latest / 1'000'000) + " ms";
    for (auto& [value, slot] : load_slot_)
      if (((x.now.loads >> slot) & 1u) != 0)
        result += ", a load of " + text_of(value) + " in flight";
    result += "\n";
  }
  return result;
}

} // namespace histories
