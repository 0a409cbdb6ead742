// The commands on whole values: GET, SET and their kin.

#include <array>
#include <optional>
#include <string>

#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>

#include "apps/resp/defaults.hpp"
#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/commands/expiry.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/commands/value_options.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- reading ---------------------------------------------------------------------

void get(command_call& call) {
  const auto found = call.db.visit(
    call.key(), [&call](const entry_view& entry) { call.reply.value(entry); });
  if (!found)
    return reply_error(call, found.error());
  if (!*found)
    call.reply.null();
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
}

// Writes each value straight from the table behind the replies before it. Ends
// early when enough has gathered to be sent: a page of small commands may ask
// for gigabytes.
std::size_t get_many(command_call& call,
                     std::span<const resp::arguments> calls) {
  std::array<bytes_view, resp::defaults::batch_size> keys;
  const auto size = std::min(calls.size(), keys.size());
  for (std::size_t i = 0; i < size; ++i)
    keys[i] = calls[i][1];
  std::size_t done = 0;
  std::size_t hits = 0;
  const auto visited = call.db.visit_many(
    std::span{keys}.first(size), [&](std::size_t, const entry_view* entry) {
      if (done > 0 && call.reply.pending() >= defaults::flush_size)
        return;
      call.reply.begin();
      if (entry != nullptr)
        call.reply.value(*entry);
      else
        call.reply.null();
      call.reply.end();
      hits += entry != nullptr ? 1 : 0;
      ++done;
    });
  if (visited || done > 0) {
    count_lookups(call, hits, done - hits);
    return done;
  }
  // One of the keys was refused: find out which, one by one.
  call.reply.begin();
  get(call);
  call.reply.end();
  return 1;
}

void mget(command_call& call) {
  const auto keys = call.words.subspan(1);
  call.reply.array(keys.size());
  std::size_t hits = 0;
  const auto visited
    = call.db.visit_many(keys, [&](std::size_t, const entry_view* entry) {
        if (entry == nullptr)
          return call.reply.null();
        ++hits;
        call.reply.value(*entry);
      });
  if (!visited)
    return reply_error(call, visited.error());
  count_lookups(call, hits, keys.size() - hits);
}

// -- SET -------------------------------------------------------------------------

// Whether a write under these conditions goes ahead.
bool holds(const value_options& options, const entry_view* present) noexcept {
  if (options.equal_to)
    return present != nullptr && present->value == *options.equal_to;
  return options.condition == write_condition::always
         || (options.condition == write_condition::if_present)
              == (present != nullptr);
}

void reply_old(command_call& call, const entry_view* present) {
  if (present != nullptr)
    call.reply.value(*present);
  else
    call.reply.null();
}

void reply_stored(command_call& call, bool stored) {
  if (stored)
    call.reply.ok();
  else
    call.reply.null();
}

// With GET, IFEQ, or until a moment of the wall clock, which may have passed: then
// the key is removed.
void set_in_turn(command_call& call, const value_options& options,
                 const std::optional<expiry>& until) {
  const auto value = call.words[2];
  auto* const gathered = call.self.gathered(value);
  bool stored = false;
  bool hit = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      hit = present != nullptr;
      if (options.reply_old)
        reply_old(call, present);
      stored = holds(options, present);
      if (!stored)
        return edit::keep();
      if (until && until->passed)
        return edit::erase();
      const auto next = until ? edit::store_until(value, until->deadline)
                        : options.keep_ttl ? edit::replace(value)
                                           : edit::store(value);
      return next.gathered_in(gathered);
    });
  if (!done)
    return reply_error(call, done.error());
  if (options.reply_old)
    count_lookups(call, hit ? 1 : 0, hit ? 0 : 1);
  else
    reply_stored(call, stored);
}

void set_with_options(command_call& call) {
  const auto options = parse_set_options(call.words.subspan(3));
  if (!options)
    return call.reply.error(error_text::syntax);
  std::optional<expiry> until;
  if (options->unit) {
    std::string refusal;
    until
      = parse_positive_expiry(call, options->moment, *options->unit, refusal);
    if (!until)
      return call.reply.error(refusal);
  }
  if (options->reply_old || options->equal_to
      || (until && options->unit->absolute))
    return set_in_turn(call, *options, until);
  auto how = until ? expiring_in(until->left) : write_options{};
  how.condition = options->condition;
  how.keep_ttl = options->keep_ttl;
  const auto stored = store(call, call.key(), call.words[2], how);
  if (!stored)
    return reply_error(call, stored.error());
  reply_stored(call, *stored);
}

void set(command_call& call) {
  if (call.words.size() > 3)
    return set_with_options(call);
  const auto stored = store(call, call.key(), call.words[2]);
  if (!stored)
    return reply_error(call, stored.error());
  call.reply.ok();
}

void set_expiring(command_call& call, expiry_unit unit) {
  std::string refusal;
  const auto until = parse_positive_expiry(call, call.words[2], unit, refusal);
  if (!until)
    return call.reply.error(refusal);
  const auto stored
    = store(call, call.key(), call.words[3], expiring_in(until->left));
  if (!stored)
    return reply_error(call, stored.error());
  call.reply.ok();
}

void setex(command_call& call) {
  set_expiring(call, {.seconds = true, .absolute = false});
}

void psetex(command_call& call) {
  set_expiring(call, {.seconds = false, .absolute = false});
}

void setnx(command_call& call) {
  write_options how;
  how.condition = write_condition::if_absent;
  const auto stored = store(call, call.key(), call.words[2], how);
  if (!stored)
    return reply_error(call, stored.error());
  call.reply.integer(*stored ? 1 : 0);
}

// -- getting and changing --------------------------------------------------------

void getset(command_call& call) {
  bool hit = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      hit = present != nullptr;
      reply_old(call, present);
      return edit::store(call.words[2])
        .gathered_in(call.self.gathered(call.words[2]));
    });
  if (!done)
    return reply_error(call, done.error());
  count_lookups(call, hit ? 1 : 0, hit ? 0 : 1);
}

void getdel(command_call& call) {
  bool hit = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      hit = present != nullptr;
      reply_old(call, present);
      return edit::erase();
    });
  if (!done)
    return reply_error(call, done.error());
  count_lookups(call, hit ? 1 : 0, hit ? 0 : 1);
}

// As in Valkey 9. It has no plan: the key may stay, with all it takes.
void delifeq(command_call& call) {
  bool erased = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      erased = present != nullptr && present->value == call.words[2];
      return erased ? edit::erase() : edit::keep();
    });
  if (!done)
    return reply_error(call, done.error());
  call.reply.integer(erased ? 1 : 0);
}

// A bad moment is an error only when there is a key, as in Redis.
void getex(command_call& call) {
  const auto options = parse_getex_options(call.words.subspan(2));
  if (!options)
    return call.reply.error(error_text::syntax);
  if (!options->unit && !options->persist)
    return get(call);
  std::string refusal;
  std::optional<expiry> until;
  if (options->unit)
    until
      = parse_positive_expiry(call, options->moment, *options->unit, refusal);
  bool hit = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      hit = present != nullptr;
      if (hit && !refusal.empty()) {
        call.reply.error(refusal);
        return edit::keep();
      }
      reply_old(call, present);
      if (!hit || (!until && present->ttl_end == never))
        return edit::keep();
      if (!until)
        return edit::touch(never);
      return until->passed ? edit::erase() : edit::touch(until->deadline);
    });
  if (!done)
    return reply_error(call, done.error());
  count_lookups(call, hit ? 1 : 0, hit ? 0 : 1);
}

// -- what they take ------------------------------------------------------------------

void plan_set(command_call& call, memory::turn_plan& plan) {
  const auto plain = call.words.size() == 3;
  plan.set(call.shards(), call.words[1], call.words[2].size(), !plain,
           plain ? memory::turn_plan::step::certain
                 : memory::turn_plan::step::depends);
}

void plan_setnx(command_call& call, memory::turn_plan& plan) {
  plan.set(call.shards(), call.words[1], call.words[2].size(), false,
           memory::turn_plan::step::depends);
}

// A bad moment leaves the key alone.
void plan_setex(command_call& call, memory::turn_plan& plan) {
  plan.set(call.shards(), call.words[1], call.words[3].size(), true,
           memory::turn_plan::step::depends);
}

void plan_getset(command_call& call, memory::turn_plan& plan) {
  plan.set(call.shards(), call.words[1], call.words[2].size(), false);
}

void plan_erase(command_call& call, memory::turn_plan& plan) {
  plan.erase(call.shards(), call.words[1]);
}

void plan_getex(command_call& call, memory::turn_plan& plan) {
  if (call.words.size() > 2)
    plan.expire(call.shards(), call.words[1]);
}

} // namespace

std::span<const command> string_commands() noexcept {
  constexpr std::string_view group = "string";

  // clang-format off
  static constexpr std::array commands{
    command{"get", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
            "Get the value of a key", get, get_many},
    command{"set", -3, flag::write | flag::denyoom, one_key, group, "1.0.0",
            "Set the value of a key", set}.planned(plan_set),
    command{"mget", -2, flag::readonly | flag::fast, all_keys, group, "1.0.0",
            "Get the values of several keys", mget},
    command{"setnx", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Set a key that does not exist yet", setnx}
      .planned(plan_setnx),
    command{"setex", 4, flag::write | flag::denyoom, one_key, group, "2.0.0",
            "Set a key with a TTL in seconds", setex}.planned(plan_setex),
    command{"psetex", 4, flag::write | flag::denyoom, one_key, group, "2.6.0",
            "Set a key with a TTL in milliseconds", psetex}.planned(plan_setex),
    command{"getset", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Set a key and get what it held", getset}
      .planned(plan_getset),
    command{"getdel", 2, flag::write | flag::fast, one_key, group, "6.2.0",
            "Get the value of a key and delete it", getdel}.planned(plan_erase),
    command{"delifeq", 3, flag::write | flag::fast, one_key, group, "9.0.0",
            "Delete a key that has this value", delifeq},
    command{"getex", -2, flag::write | flag::fast, one_key, group, "6.2.0",
            "Get the value of a key and change when it expires", getex}
      .planned(plan_getex),
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
