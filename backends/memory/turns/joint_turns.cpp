#include <troupe/backends/memory/turns/joint_turns.hpp>

#include <cassert>
#include <new>
#include <optional>
#include <utility>
#include <variant>

#include <troupe/backends/core/lane.hpp>
#include <troupe/backends/memory/shards/inline_reads.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/memory/turns/change_gate.hpp>
#include <troupe/backends/memory/turns/joint_turn.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>

namespace troupe::memory {

namespace {

/// A read of several keys that met changes of several keys this often takes a joint turn.
constexpr int reads_without_turn = 8;

/// Reads the entries of all keys without a turn. Errors: `shutting_down`.
expected<void> read_all(std::span<const joint_key> keys,
                        function_ref<void(std::size_t, const entry_view*)> f) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = visit(
      keys[i].where->shards(), keys[i].key,
      [&](const entry_view& x) { f(i, &x); }, lookup::use);
    if (!found)
      return tl::unexpected{found.error()};
    if (!*found)
      f(i, nullptr);
  }
  return {};
}

/// Whether the conditions hold, in a joint turn. Errors: `shutting_down`.
expected<bool> hold(std::span<const joint_condition> conditions) {
  for (const auto& x : conditions) {
    auto version = no_version;
    const auto found = visit(
      x.at.where->shards(), x.at.key,
      [&version](const entry_view& entry) { version = entry.version; },
      lookup::peek);
    if (!found)
      return found;
    if (version != x.version)
      return false;
  }
  return true;
}

hashed_key key_of(const joint_step& x) noexcept {
  return std::visit([](const auto& what) { return what.key; }, x.what);
}

/// A bound for what the step stores.
void plan(turn_plan& to, shard_map& where, const set_change& x) {
  to.set(where, x.key, x.value.size(), true,
         x.how->keep_ttl ? turn_plan::step::depends : turn_plan::step::certain,
         0, x.how);
}

void plan(turn_plan& to, shard_map& where, const erase_change& x) {
  to.erase(where, x.key);
}

void plan(turn_plan& to, shard_map& where, const touch_change& x) {
  to.expire(where, x.key);
}

/// Takes a step, in a joint turn.
expected<void> take(const joint_step& x) {
  return std::visit(
    [&x](const auto& what) -> expected<void> {
      return x.where->shards()
        .home(what.key)
        .run([&what](store& in) { return in.apply(what); })
        .map([](bool) {});
    },
    x.what);
}

/// The result of `f`; `out_of_memory` when it throws std::bad_alloc.
template <class F>
auto within_memory(F f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

/// A thread that is inside of a turn must not wait for others. Errors:
/// `invalid_argument`.
expected<void> check_outside() {
  if (lane::inside_any())
    return fail(errc::invalid_argument,
                "several keys cannot be changed or read together inside of a "
                "change, or in a completion");
  return {};
}

/// The part of `change_together` inside of the turn.
expected<bool> change(std::span<const joint_condition> conditions,
                      std::span<const joint_step> steps) {
  if (auto held = hold(conditions); !held || !*held)
    return held;
  turn_plan room;
  for (const auto& x : steps)
    std::visit([&](const auto& what) { plan(room, x.where->shards(), what); },
               x.what);
  if (auto reserved = room.reserve(); !reserved)
    return tl::unexpected{std::move(reserved.error())};
  const gate_opening opening{change_gate::process()};
  for (const auto& x : steps)
    if (auto taken = take(x); !taken)
      return tl::unexpected{std::move(taken.error())};
  return true;
}

} // namespace

expected<key_state> joint_turns::watch(const hashed_key& key) {
  return within_memory([&] {
    return shards_.home(key).run([&key](store& in) { return in.watch(key); });
  });
}

expected<bool> joint_turns::unchanged(const hashed_key& key,
                                      const key_state& since) {
  const joint_condition same{{this, key}, since.version};
  return hold({&same, 1}).map([&since](bool held) {
    return held && (since.absence == nullptr || !since.absence->ended());
  });
}

expected<transfer_result>
joint_turns::transfer(const hashed_key& from, joint_turn_ability& target,
                      const hashed_key& to, const transfer_terms& terms) {
  return within_memory([&]() -> expected<transfer_result> {
    auto& giver = shards_.home(from);
    auto& taker = target.shards().home(to);
    joint_turn turn;
    std::optional<gate_opening> opening;
    if (giver.mailbox().held_here()) {
      // A part of another change, which has opened the gate.
      assert(taker.mailbox().held_here());
    } else {
      turn.add(shards_, from);
      turn.add(target.shards(), to);
      if (auto begun = turn.begin(); !begun)
        return tl::unexpected{std::move(begun.error())};
      // A copy changes one key only.
      if (!terms.keep_source)
        opening.emplace(change_gate::process());
    }
    // Both are held, so that each runs at once.
    return giver.run([&](store& in) {
      return taker.run(
        [&](store& other) { return in.transfer(from, other, to, terms); });
    });
  });
}

expected<bool>
joint_turns::change_together(std::span<const joint_condition> conditions,
                             std::span<const joint_step> steps) {
  return within_memory([&]() -> expected<bool> {
    if (auto ok = check_outside(); !ok)
      return tl::unexpected{std::move(ok.error())};
    joint_turn turn;
    for (const auto& x : conditions)
      turn.add(x.at.where->shards(), x.at.key);
    for (const auto& x : steps)
      turn.add(x.where->shards(), key_of(x));
    if (auto begun = turn.begin(); !begun)
      return tl::unexpected{std::move(begun.error())};
    return change(conditions, steps);
  });
}

expected<void> joint_turns::read_together(
  std::span<const joint_key> keys,
  function_ref<void(std::size_t, const entry_view*)> f) {
  return within_memory([&]() -> expected<void> {
    if (auto ok = check_outside(); !ok)
      return ok;
    const auto& gate = change_gate::process();
    for (int i = 0; i < reads_without_turn; ++i) {
      const auto moment = gate.await_closed();
      if (auto read = read_all(keys, f); !read || gate.unchanged_since(moment))
        return read;
    }
    joint_turn turn;
    for (const auto& x : keys)
      turn.add(x.where->shards(), x.key);
    if (auto begun = turn.begin(); !begun)
      return begun;
    return read_all(keys, f);
  });
}

} // namespace troupe::memory
