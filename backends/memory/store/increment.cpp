// The part of a store that increments decimal integers.

#include <troupe/backends/memory/store/store.hpp>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace troupe::memory {

namespace {

/// Wide enough for the sum of any two 64-bit integers, signed or not.
__extension__ using wide_integer = __int128;

/// Far outside of every 64-bit range, so that no 64-bit `delta` leads back into one.
constexpr auto far_away = wide_integer{1} << 100;

/// A decimal integer of the right form that does not fit in 64 bits, or only without a
/// sign.
wide_integer parse_wide(bytes_view digits, bool negative) noexcept {
  wide_integer result = 0;
  for (auto digit : digits) {
    result = result * 10 + (digit - '0');
    if (result > far_away)
      break;
  }
  return negative ? -result : result;
}

/// Parses all of `text` as a decimal integer in the form that std::to_chars writes: as
/// in Redis, "01" and "-0" are not integers.
std::optional<wide_integer>
parse_integer(bytes_view text, const integer_range& within) noexcept {
  const bool negative = text.starts_with('-');
  auto digits = text.substr(negative ? 1 : 0);
  if (digits.starts_with('0') && text != "0")
    return std::nullopt;
  std::int64_t result = 0;
  auto* end = text.data() + text.size();
  auto [stopped, code] = std::from_chars(text.data(), end, result);
  if (stopped != end)
    return std::nullopt;
  if (code == std::errc{})
    return result;
  if (code == std::errc::result_out_of_range && within.counts_from_outside)
    return parse_wide(digits, negative);
  return std::nullopt;
}

std::string to_text(const integer_range& x) {
  return std::to_string(x.least) + " to " + std::to_string(x.most);
}

} // namespace

expected<std::int64_t> store::increment(const hashed_key& key,
                                        std::int64_t delta,
                                        const integer_range& within) {
  auto where = table_.locate(key);
  const decision made{*this, where, key};
  const auto present = look(where, key);
  if (!present) [[unlikely]]
    return tl::unexpected{present.error()};
  wide_integer wide_sum = delta;
  if (*present) {
    auto old = parse_integer(where.item->value(), within);
    if (!old)
      return fail(errc::not_an_integer,
                  within.counts_from_outside
                    ? "the value is not a decimal integer"
                    : "the value is not a decimal 64-bit integer");
    wide_sum += *old;
  }
  if (wide_sum < within.least || wide_sum > wide_integer{within.most})
    return fail(errc::integer_overflow,
                "the sum is outside of the range of the values, "
                  + to_text(within));
  const auto sum = static_cast<std::int64_t>(wide_sum);
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 3> text;
  auto* last = text.data() + text.size();
  auto* end = wide_sum < 0 ? std::to_chars(text.data(), last, sum).ptr
                           : std::to_chars(text.data(), last,
                                           static_cast<std::uint64_t>(wide_sum))
                               .ptr;
  auto size = static_cast<std::size_t>(end - text.data());
  write_options how;
  how.keep_ttl = true;
  auto with = attributes_for(how, *present ? where.item : nullptr);
  if (auto stored = put(where, key, {text.data(), size}, with); !stored)
    return tl::unexpected{std::move(stored.error())};
  return sum;
}

} // namespace troupe::memory
