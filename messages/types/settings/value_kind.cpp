#include <troupe/messages/types/settings/value_kind.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

#include <troupe/messages/types/text/duration.hpp>
#include <troupe/messages/types/text/memory_size.hpp>
#include <troupe/messages/types/text/words.hpp>

namespace troupe::settings {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t second = 1'000;

/// Reads a number. Returns `invalid_argument` when the text is not a number, and
/// `result_out_of_range` when the number needs more than 64 bits.
std::errc read_integer(std::string_view text, std::int64_t& to, int base = 10) {
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, to, base);
  return stop == end ? code : std::errc::invalid_argument;
}

/// Writes milliseconds with the largest unit that leaves no remainder.
std::string time_text(std::int64_t x) {
  struct unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000},
                             unit{"m", 60'000}, unit{"s", second}};
  if (x == 0)
    return "0s";
  for (const auto& i : units)
    if (x % i.milliseconds == 0)
      return std::to_string(x / i.milliseconds).append(i.name);
  return std::to_string(x) + "ms";
}

std::string size_text(std::int64_t x) {
  return memory_size_text(static_cast<std::uint64_t>(x));
}

std::optional<bool> flag_of(std::string_view text) {
  for (const std::string_view x : {"yes", "true", "on"})
    if (same_word(text, x))
      return true;
  for (const std::string_view x : {"no", "false", "off"})
    if (same_word(text, x))
      return false;
  return std::nullopt;
}

tl::unexpected<error> refuse(std::string why) {
  return fail(errc::invalid_argument, std::move(why));
}

} // namespace

value_kind::value_kind(form x, std::string placeholder, std::int64_t least,
                       std::int64_t most)
  : form_(x), placeholder_(std::move(placeholder)), least_(least), most_(most) {
  // nop
}

value_kind value_kind::flag() {
  return {form::flag, ""};
}

value_kind value_kind::number(std::int64_t least, std::int64_t most) {
  return {form::number, "N", least, most};
}

value_kind value_kind::octal(std::int64_t most) {
  return {form::octal, "MODE", 0, most};
}

value_kind value_kind::size(std::int64_t least, std::int64_t most) {
  return {form::size, "SIZE", least, most};
}

value_kind value_kind::time(milliseconds least, milliseconds most) {
  return {form::time, "TIME", least.count(), most.count()};
}

value_kind value_kind::seconds(std::chrono::seconds least,
                               std::chrono::seconds most) {
  return {form::seconds, "TIME", least.count() * second, most.count() * second};
}

value_kind value_kind::fraction() {
  return {form::fraction, "X"};
}

value_kind value_kind::word(std::vector<std::string> words) {
  value_kind result{form::word, "WORD"};
  result.words_ = std::move(words);
  return result;
}

value_kind value_kind::text(std::string placeholder) {
  return {form::text, std::move(placeholder)};
}

value_kind value_kind::or_zero() && {
  zero_too_ = true;
  return std::move(*this);
}

value_kind value_kind::checked(std::string allowed, check_function check) && {
  allowed_ = std::move(allowed);
  check_ = std::move(check);
  return std::move(*this);
}

expected<value> value_kind::parse_number(std::string_view text) const {
  std::int64_t x = 0;
  const auto code = read_integer(text, x, form_ == form::octal ? 8 : 10);
  if (code == std::errc::invalid_argument)
    return refuse("argument couldn't be parsed into an integer");
  if (code == std::errc::result_out_of_range)
    return refuse("argument must be between " + std::to_string(least_) + " and "
                  + std::to_string(most_) + " inclusive");
  return value{x};
}

expected<value> value_kind::parse_time(std::string_view text) const {
  std::int64_t x = 0;
  if (form_ == form::seconds
      && read_integer(text, x) != std::errc::invalid_argument) {
    // Checked before the multiplication, which might overflow.
    if (x < least_ / second || x > most_ / second)
      return refuse("argument must be between "
                    + std::to_string(least_ / second) + " and "
                    + std::to_string(most_ / second) + " inclusive");
    return value{milliseconds{x * second}};
  }
  return parse_duration(text)
    .map([](milliseconds time) { return value{time}; })
    .map_error([&](const error&) {
      return error{errc::invalid_argument,
                   form_ == form::seconds
                     ? "argument couldn't be parsed into an integer"
                     : "argument must be a time"};
    });
}

expected<value> value_kind::parse(std::string_view text) const {
  switch (form_) {
    case form::flag:
      if (const auto x = flag_of(text))
        return value{*x};
      return refuse("argument must be 'yes' or 'no'");
    case form::number:
    case form::octal:
      return parse_number(text);
    case form::size:
      if (const auto x = parse_memory_size(text);
          x && *x <= static_cast<std::uint64_t>(most_number))
        return value{static_cast<std::int64_t>(*x)};
      return refuse("argument must be a memory value");
    case form::time:
    case form::seconds:
      return parse_time(text);
    case form::fraction: {
      double x = 0;
      const auto* const end = text.data() + text.size();
      const auto [stop, code] = std::from_chars(text.data(), end, x);
      if (code == std::errc{} && stop == end)
        return value{x};
      return refuse("argument must be a number");
    }
    case form::word:
      for (const auto& x : words_)
        if (same_word(text, x))
          return value{x};
      break;
    case form::text:
      break;
  }
  return value{std::string{text}};
}

expected<value> value_kind::read(std::string_view text) const {
  auto result = parse(text);
  if (result)
    if (auto ok = check(*result); !ok)
      return tl::unexpected{std::move(ok.error())};
  return result;
}

std::string value_kind::refusal(std::string_view text) const {
  if (check_)
    if (const auto x = parse(text))
      if (auto why = check_(*x); !why.empty())
        return why;
  return "allowed: " + allowed();
}

expected<void> value_kind::check(const value& x) const {
  const auto* const number = std::get_if<std::int64_t>(&x);
  const auto* const time = std::get_if<milliseconds>(&x);
  const auto inside = [this](std::int64_t i) {
    return (i >= least_ && i <= most_) || (zero_too_ && i == 0);
  };
  if (number != nullptr && !inside(*number)) {
    if (form_ == form::size)
      return refuse("argument must be " + allowed());
    return refuse("argument must be between " + std::to_string(least_) + " and "
                  + std::to_string(most_) + " inclusive");
  }
  if (time != nullptr
      && (!inside(time->count())
          || (form_ == form::seconds && time->count() % second != 0)))
    return refuse("argument must be " + allowed());
  // This form of the condition also refuses NaN.
  if (const auto* const part = std::get_if<double>(&x);
      part != nullptr && !(*part >= 0 && *part < 1))
    return refuse("argument must be " + allowed());
  if (const auto* const text = std::get_if<std::string>(&x);
      text != nullptr && form_ == form::word
      && std::find(words_.begin(), words_.end(), *text) == words_.end())
    return refuse("argument must be one of the following: " + allowed());
  if (check_)
    if (auto why = check_(x); !why.empty())
      return refuse(std::move(why));
  return {};
}

std::string value_kind::write(const value& x) const {
  if (const auto* const flag = std::get_if<bool>(&x))
    return *flag ? "yes" : "no";
  if (const auto* const time = std::get_if<milliseconds>(&x))
    return time_text(time->count());
  if (const auto* const text = std::get_if<std::string>(&x))
    return *text;
  if (const auto* const number = std::get_if<std::int64_t>(&x);
      number != nullptr && form_ == form::size)
    return size_text(*number);
  return write_plain(x);
}

std::string value_kind::write_plain(const value& x) const {
  std::array<char, 32> buffer{};
  const auto text = [&](auto... arguments) {
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                   arguments...)
                       .ptr;
    return std::string{buffer.data(), end};
  };
  if (const auto* const number = std::get_if<std::int64_t>(&x))
    return text(*number, form_ == form::octal ? 8 : 10);
  if (const auto* const part = std::get_if<double>(&x))
    return text(*part);
  if (const auto* const time = std::get_if<milliseconds>(&x);
      time != nullptr && form_ == form::seconds)
    return text(time->count() / second);
  return write(x);
}

std::string value_kind::bound(std::int64_t x) const {
  switch (form_) {
    case form::size:
      return size_text(x);
    case form::time:
      return time_text(x);
    case form::seconds:
      return std::to_string(x / second) + "s";
    default:
      return write_plain(value{x});
  }
}

std::string value_kind::range() const {
  if (!allowed_.empty())
    return allowed_;
  std::string list;
  for (const auto& x : words_)
    list.append(list.empty() ? "" : ", ").append(x);
  auto range = (zero_too_ ? "0, or " : "") + bound(least_)
               + (most_ == most_number ? " and more" : " to " + bound(most_));
  switch (form_) {
    case form::flag:
      return "yes or no";
    case form::octal:
      return range + ", octal";
    case form::seconds:
      return "whole seconds, " + range;
    case form::fraction:
      return "0 to below 1";
    case form::word:
      return list;
    case form::text:
      return "any text";
    default:
      return range;
  }
}

std::string value_kind::allowed() const {
  switch (form_) {
    case form::size:
      return range() + " (examples: 4096, 64kb, 100mb, 2gb)";
    case form::time:
      return range() + " (examples: 500ms, 30s, 5m, 2h, 1d)";
    case form::seconds:
      return range() + " (examples: 30, 30s, 5m, 2h)";
    default:
      return range();
  }
}

} // namespace troupe::settings
