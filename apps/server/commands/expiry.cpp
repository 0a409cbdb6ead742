#include "apps/server/commands/expiry.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/text/integer.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using limits = std::numeric_limits<std::int64_t>;
using std::chrono::milliseconds;

// Redis keeps points in time as signed 64-bit milliseconds since 1970 and
// refuses what leaves that range; so do we, to refuse the same commands.
std::optional<expiry> to_expiry(std::int64_t value, expiry_unit unit,
                                time_point now, wall_clock& wall) noexcept {
  if (unit.seconds) {
    if (value > limits::max() / 1000 || value < limits::min() / 1000)
      return std::nullopt;
    value *= 1000;
  }
  const auto unix_now = wall.unix_time(now, now);
  if (!unit.absolute && value > limits::max() - unix_now)
    return std::nullopt;
  auto left = value;
  if (unit.absolute)
    left = value < limits::min() + unix_now ? limits::min() : value - unix_now;
  const auto cut = std::clamp(milliseconds{left}, -max_ttl, max_ttl);
  expiry result{now + cut, cut, cut.count() <= 0};
  if (unit.absolute && cut.count() == left) {
    // Not by way of the time left, which is rounded.
    result.deadline = time_point{milliseconds{value} - wall.offset(now)};
    result.passed = result.deadline <= now;
  }
  return result;
}

} // namespace

std::optional<expiry> parse_expiry(const command_call& call, bytes_view text,
                                   expiry_unit unit, std::string& refusal) {
  const auto value = parse_integer(text);
  if (!value) {
    refusal = error_text::not_an_integer;
    return std::nullopt;
  }
  const auto result = to_expiry(*value, unit, call.db.now(), call.server.wall);
  if (!result)
    refusal = error_text::invalid_expire(call.what.name);
  return result;
}

std::optional<expiry> parse_positive_expiry(const command_call& call,
                                            bytes_view text, expiry_unit unit,
                                            std::string& refusal) {
  if (const auto value = parse_integer(text); value && *value <= 0) {
    refusal = error_text::invalid_expire(call.what.name);
    return std::nullopt;
  }
  return parse_expiry(call, text, unit, refusal);
}

} // namespace troupe::server
