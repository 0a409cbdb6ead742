// The commands that look into a value: its length, parts of it, and the number
// it is.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>
#include <troupe/messages/types/text/decimal.hpp>
#include <troupe/messages/types/text/integer.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/commands/families.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- parts -----------------------------------------------------------------------

void string_length(command_call& call) {
  std::size_t size = 0;
  const auto found
    = call.db.visit(call.key(), [&size](const entry_view& entry) {
        size = entry.value.size();
      });
  if (!found)
    return reply_error(call, found.error());
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
  call.reply.integer(static_cast<std::int64_t>(size));
}

// The bytes from `first` to `last`, which count from the end when negative.
bytes_view part_of(bytes_view value, std::int64_t first,
                   std::int64_t last) noexcept {
  if (first < 0 && last < 0 && first > last)
    return {};
  const auto size = static_cast<std::int64_t>(value.size());
  const auto from_start = [size](std::int64_t x) {
    return std::max<std::int64_t>(x < 0 ? size + x : x, 0);
  };
  const auto begin = from_start(first);
  const auto end = std::min(from_start(last), size - 1);
  if (begin > end)
    return {};
  return value.substr(static_cast<std::size_t>(begin),
                      static_cast<std::size_t>(end - begin) + 1);
}

void getrange(command_call& call) {
  const auto first = parse_integer(call.words[2]);
  const auto last = parse_integer(call.words[3]);
  if (!first || !last)
    return call.reply.error(error_text::not_an_integer);
  const auto found = call.db.visit(call.key(), [&](const entry_view& entry) {
    call.reply.bulk(part_of(entry.value, *first, *last));
  });
  if (!found)
    return reply_error(call, found.error());
  if (!*found)
    call.reply.bulk({});
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
}

// Replies the length of a value that was extended, or that it got too long: for a
// string, as the commands say without a text, or for a limit of memory.
void reply_extended(command_call& call, const expected<void>& done,
                    std::size_t size) {
  if (done)
    call.reply.integer(static_cast<std::int64_t>(size));
  else if (done.error() == errc::value_too_large && done.error().text().empty())
    call.reply.error(error_text::string_too_long);
  else
    reply_error(call, done.error());
}

// The edit, unless its value is too long for a string.
expected<edit> within_string(const command_call& call, const edit& next,
                             std::size_t size) {
  if (size > call.db.options().max_value_size)
    return fail(errc::value_too_large);
  return next;
}

void append(command_call& call) {
  std::size_t size = 0;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      const auto next = edit::append(call.words[2]);
      size = next.spliced_size(present != nullptr ? present->value.size() : 0);
      return within_string(call, next, size);
    });
  reply_extended(call, done, size);
}

void setrange(command_call& call) {
  const auto offset = parse_integer(call.words[2]);
  if (!offset)
    return call.reply.error(error_text::not_an_integer);
  if (*offset < 0)
    return call.reply.error(error_text::offset_range);
  const auto part = call.words[3];
  std::size_t size = 0;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      size = present != nullptr ? present->value.size() : 0;
      if (part.empty())
        return edit::keep();
      const auto next
        = edit::overwrite(static_cast<std::size_t>(*offset), part);
      size = next.spliced_size(size);
      return within_string(call, next, size);
    });
  reply_extended(call, done, size);
}

// -- numbers ---------------------------------------------------------------------

void add(command_call& call, std::int64_t delta) {
  const auto sum = call.db.increment(call.key(), delta);
  if (!sum)
    return reply_error(call, sum.error());
  call.reply.integer(*sum);
}

void incr(command_call& call) {
  add(call, 1);
}

void decr(command_call& call) {
  add(call, -1);
}

void incrby(command_call& call) {
  const auto delta = parse_integer(call.words[2]);
  if (!delta)
    return call.reply.error(error_text::not_an_integer);
  add(call, *delta);
}

void decrby(command_call& call) {
  const auto delta = parse_integer(call.words[2]);
  if (!delta)
    return call.reply.error(error_text::not_an_integer);
  if (*delta == std::numeric_limits<std::int64_t>::min())
    return call.reply.error(error_text::decrement_overflow);
  add(call, -*delta);
}

void incrbyfloat(command_call& call) {
  const auto delta = parse_decimal(call.words[2]);
  std::string_view refusal;
  std::string sum;
  const auto done = call.db.transform(
    call.key(), [&](const entry_view* present) -> expected<edit> {
      const auto old = present != nullptr ? parse_decimal(present->value)
                                          : std::optional{0.0L};
      if (!old || !delta) {
        refusal = error_text::not_a_float;
        return edit::keep();
      }
      if (!std::isfinite(*old + *delta)) {
        refusal = error_text::not_finite;
        return edit::keep();
      }
      sum = format_decimal(*old + *delta);
      return edit::replace(sum);
    });
  if (!done)
    reply_error(call, done.error());
  else if (!refusal.empty())
    call.reply.error(refusal);
  else
    call.reply.bulk(sum);
}

// -- what they take ------------------------------------------------------------------

void plan_append(command_call& call, memory::turn_plan& plan) {
  plan.append(call.shards(), call.words[1], call.words[2].size());
}

void plan_setrange(command_call& call, memory::turn_plan& plan) {
  const auto offset = parse_integer(call.words[2]);
  const auto size = call.words[3].size();
  const auto most = call.db.options().max_value_size;
  // What would become too long for a string is refused, and takes nothing.
  if (offset && *offset >= 0 && size > 0 && size <= most
      && std::cmp_less_equal(*offset, most - size))
    plan.overwrite(call.shards(), call.words[1],
                   static_cast<std::size_t>(*offset) + size);
}

void plan_integer(command_call& call, memory::turn_plan& plan) {
  constexpr std::size_t longest
    = std::numeric_limits<std::int64_t>::digits10 + 2;
  plan.overwrite(call.shards(), call.words[1], longest);
}

void plan_decimal(command_call& call, memory::turn_plan& plan) {
  plan.overwrite(call.shards(), call.words[1], longest_formatted);
}

} // namespace

std::span<const command> value_commands() noexcept {
  constexpr std::string_view group = "string";

  // clang-format off
  static constexpr std::array commands{
    command{"strlen", 2, flag::readonly | flag::fast, one_key, group, "2.2.0",
            "Get the length of a value", string_length},
    command{"append", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
            "2.0.0", "Append to the value of a key", append}.planned(plan_append),
    command{"getrange", 4, flag::readonly, one_key, group, "2.4.0",
            "Get a part of a value", getrange},
    command{"substr", 4, flag::readonly, one_key, group, "1.0.0",
            "Get a part of a value; the same as GETRANGE", getrange},
    command{"setrange", 4, flag::write | flag::denyoom, one_key, group, "2.2.0",
            "Overwrite a part of a value", setrange}.planned(plan_setrange),
    command{"incr", 2, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Add one to the integer of a key", incr}
      .planned(plan_integer),
    command{"decr", 2, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Subtract one from the integer of a key", decr}
      .planned(plan_integer),
    command{"incrby", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Add to the integer of a key", incrby}.planned(plan_integer),
    command{"decrby", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
            "1.0.0", "Subtract from the integer of a key", decrby}
      .planned(plan_integer),
    command{"incrbyfloat", 3, flag::write | flag::denyoom | flag::fast, one_key,
            group, "2.6.0", "Add to the decimal number of a key", incrbyfloat}
      .planned(plan_decimal),
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
