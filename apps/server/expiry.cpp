#include "apps/server/expiry.hpp"

#include <chrono>
#include <limits>

#include "apps/server/error_text.hpp"
#include "apps/server/integer.hpp"

namespace troupe::server {

namespace {

using limits = std::numeric_limits<std::int64_t>;

std::int64_t wall_clock() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
    .count();
}

// Redis keeps points in time as signed 64-bit milliseconds since 1970 and
// refuses what leaves that range; so do we, to refuse the same commands.
std::optional<std::int64_t> left(std::int64_t value,
                                 expiry_unit unit) noexcept {
  if (unit.seconds) {
    if (value > limits::max() / 1000 || value < limits::min() / 1000)
      return std::nullopt;
    value *= 1000;
  }
  const auto now = wall_clock();
  if (unit.absolute)
    return value < limits::min() + now ? limits::min() : value - now;
  if (value > limits::max() - now)
    return std::nullopt;
  return value;
}

} // namespace

std::optional<std::int64_t> time_left(bytes_view text, expiry_unit unit,
                                      std::string_view command,
                                      std::string& refusal) {
  const auto value = parse_integer(text);
  if (!value) {
    refusal = error_text::not_an_integer;
    return std::nullopt;
  }
  auto result = left(*value, unit);
  if (!result)
    refusal = error_text::invalid_expire(command);
  return result;
}

std::optional<std::int64_t>
positive_time_left(bytes_view text, expiry_unit unit, std::string_view command,
                   std::string& refusal) {
  if (const auto value = parse_integer(text); value && *value <= 0) {
    refusal = error_text::invalid_expire(command);
    return std::nullopt;
  }
  return time_left(text, unit, command, refusal);
}

} // namespace troupe::server
