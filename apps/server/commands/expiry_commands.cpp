// The commands on deadlines: TTL, EXPIRE and their kin.

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/commands/expiry.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

constexpr std::int64_t in_milliseconds = 1;
constexpr std::int64_t in_seconds = 1000;

// -- the time left ---------------------------------------------------------------

// Milliseconds are rounded to the next second, as Redis does.
std::int64_t in_units(std::int64_t x, std::int64_t unit) noexcept {
  return (x + unit / 2) / unit;
}

void reply_time_left(command_call& call, std::int64_t unit) {
  const auto left = call.db.ttl(call.key());
  if (!left)
    return reply_error(call, left.error());
  count_lookups(call, *left ? 1 : 0, *left ? 0 : 1);
  if (!*left)
    call.reply.integer(-2);
  else if (**left == no_expiry)
    call.reply.integer(-1);
  else
    call.reply.integer(in_units((*left)->count(), unit));
}

void ttl(command_call& call) {
  reply_time_left(call, in_seconds);
}

void pttl(command_call& call) {
  reply_time_left(call, in_milliseconds);
}

void reply_deadline(command_call& call, std::int64_t unit) {
  auto deadline = never;
  const auto found = call.db.visit(
    call.key(),
    [&deadline](const entry_view& entry) { deadline = entry.deadline; },
    lookup::peek);
  if (!found)
    return reply_error(call, found.error());
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
  if (!*found)
    return call.reply.integer(-2);
  if (deadline == never)
    return call.reply.integer(-1);
  const auto when = call.server.wall.unix_time(deadline, call.db.now());
  call.reply.integer(in_units(when, unit));
}

void expiretime(command_call& call) {
  reply_deadline(call, in_seconds);
}

void pexpiretime(command_call& call) {
  reply_deadline(call, in_milliseconds);
}

// -- changing it -----------------------------------------------------------------

struct expire_condition {
  bool without = false; // NX: only a key without a deadline
  bool with = false;    // XX: only one with a deadline
  bool later = false;   // GT: only if it lives longer then
  bool sooner = false;  // LT: only if it lives shorter then

  // `present` is `never` for a key that is kept for good.
  [[nodiscard]] bool allows(time_point present,
                            time_point wanted) const noexcept {
    const auto expires = present != never;
    if ((without && expires) || (with && !expires))
      return false;
    if (later && (!expires || wanted <= present))
      return false;
    return !(sooner && expires && wanted >= present);
  }
};

std::optional<expire_condition> parse_condition(resp::arguments options,
                                                std::string& refusal) {
  expire_condition result;
  for (const auto& word : options) {
    if (same_word(word, "nx"))
      result.without = true;
    else if (same_word(word, "xx"))
      result.with = true;
    else if (same_word(word, "gt"))
      result.later = true;
    else if (same_word(word, "lt"))
      result.sooner = true;
    else {
      refusal = error_text::unsupported_option(word);
      return std::nullopt;
    }
  }
  if (result.without && (result.with || result.later || result.sooner))
    refusal = error_text::expire_options_nx;
  else if (result.later && result.sooner)
    refusal = error_text::expire_options_gt_lt;
  else
    return result;
  return std::nullopt;
}

void expire_with(command_call& call, expiry_unit unit) {
  std::string refusal;
  const auto condition = parse_condition(call.words.subspan(3), refusal);
  if (!condition)
    return call.reply.error(refusal);
  const auto wanted = parse_expiry(call, call.words[2], unit, refusal);
  if (!wanted)
    return call.reply.error(refusal);
  bool changed = false;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      changed = present != nullptr
                && condition->allows(present->ttl_end, wanted->deadline);
      if (!changed)
        return edit::keep();
      return wanted->passed ? edit::erase() : edit::touch(wanted->deadline);
    });
  if (!done)
    return reply_error(call, done.error());
  call.reply.integer(changed ? 1 : 0);
}

void expire(command_call& call) {
  expire_with(call, {.seconds = true, .absolute = false});
}

void pexpire(command_call& call) {
  expire_with(call, {.seconds = false, .absolute = false});
}

void expireat(command_call& call) {
  expire_with(call, {.seconds = true, .absolute = true});
}

void pexpireat(command_call& call) {
  expire_with(call, {.seconds = false, .absolute = true});
}

void persist(command_call& call) {
  bool changed = false;
  const auto done = call.db.transform(
    call.key(), [&changed](const entry_view* present) -> expected<edit> {
      changed = present != nullptr && present->ttl_end != never;
      return changed ? edit::touch(never) : edit::keep();
    });
  if (!done)
    return reply_error(call, done.error());
  call.reply.integer(changed ? 1 : 0);
}

// A deadline takes room in an entry that has none.
void plan_expire(command_call& call, memory::turn_plan& plan) {
  plan.expire(call.shards(), call.words[1]);
}

} // namespace

std::span<const command> expiry_commands() noexcept {
  constexpr std::string_view group = "generic";

  // clang-format off
  static constexpr std::array commands{
    command{"ttl", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
            "Get the time to live of a key in seconds", ttl},
    command{"pttl", 2, flag::readonly | flag::fast, one_key, group, "2.6.0",
            "Get the time to live of a key in milliseconds", pttl},
    command{"expiretime", 2, flag::readonly | flag::fast, one_key, group, "7.0.0",
            "Get the Unix time in seconds when a key expires", expiretime},
    command{"pexpiretime", 2, flag::readonly | flag::fast, one_key, group,
            "7.0.0", "Get the Unix time in milliseconds when a key expires",
            pexpiretime},
    command{"expire", -3, flag::write | flag::fast, one_key, group, "1.0.0",
            "Set the time to live of a key in seconds", expire}
      .planned(plan_expire),
    command{"pexpire", -3, flag::write | flag::fast, one_key, group, "2.6.0",
            "Set the time to live of a key in milliseconds", pexpire}
      .planned(plan_expire),
    command{"expireat", -3, flag::write | flag::fast, one_key, group, "1.2.0",
            "Set the Unix time in seconds when a key expires", expireat}
      .planned(plan_expire),
    command{"pexpireat", -3, flag::write | flag::fast, one_key, group, "2.6.0",
            "Set the Unix time in milliseconds when a key expires", pexpireat}
      .planned(plan_expire),
    command{"persist", 2, flag::write | flag::fast, one_key, group, "2.2.0",
            "Remove the expiration of a key", persist},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
