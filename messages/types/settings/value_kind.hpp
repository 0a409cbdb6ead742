#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::settings {

/// The value of an option: a flag, a whole number (also of bytes), a time, a fraction,
/// or a text.
using value = std::variant<bool, std::int64_t, std::chrono::milliseconds,
                           double, std::string>;

/// The largest number or size.
inline constexpr auto most_number = std::numeric_limits<std::int64_t>::max();

/// The kind of an option's values: reads, checks and writes them. The command line, the
/// ini file and CONFIG SET use the same object. A plain value. Its const functions are
/// thread-safe.
class value_kind {
public:
  /// Returns what is wrong with a value, or an empty text.
  using check_function = std::function<std::string(const value&)>;

  /// yes or no; also true, false, on, off; in any case.
  [[nodiscard]] static value_kind flag();

  /// A whole number.
  [[nodiscard]] static value_kind number(std::int64_t least, std::int64_t most);

  /// A number in the octal system, from 0 to `most`.
  [[nodiscard]] static value_kind octal(std::int64_t most);

  /// A number of bytes: `1024`, `64kb`, `100mb`, `2gb` (powers of 1024), `64k`, `1m`,
  /// `1g` (powers of 1000).
  [[nodiscard]] static value_kind size(std::int64_t least, std::int64_t most);

  /// A time: `250ms`, `30s`, `5m`, `1h`, `2d`. A number without a unit counts seconds.
  [[nodiscard]] static value_kind time(std::chrono::milliseconds least,
                                       std::chrono::milliseconds most
                                       = max_ttl);

  /// A time of whole seconds, written like `time`. `write_plain` writes it as a number
  /// of seconds, as Redis does.
  [[nodiscard]] static value_kind seconds(std::chrono::seconds least,
                                          std::chrono::seconds most);

  /// A number of at least 0 and less than 1.
  [[nodiscard]] static value_kind fraction();

  /// One of these words, in any case. The value is spelled as in `words`.
  [[nodiscard]] static value_kind word(std::vector<std::string> words);

  /// Any text. `placeholder` stands for it in the help: "PATH".
  [[nodiscard]] static value_kind text(std::string placeholder);

  /// This kind, which also allows 0, even if that is less than `least`.
  [[nodiscard]] value_kind or_zero() &&;

  /// This kind with a further condition. `allowed` describes all allowed values.
  [[nodiscard]] value_kind checked(std::string allowed,
                                   check_function check) &&;

  /// Reads and checks a value. Errors: `invalid_argument`, for CONFIG SET: with Redis's
  /// text if Redis has this kind.
  [[nodiscard]] expected<value> read(std::string_view text) const;

  /// An error text for a text that `read` refuses: what `check_function` says, or else
  /// which values are allowed.
  [[nodiscard]] std::string refusal(std::string_view text) const;

  /// Checks a value that was not read from a text. Errors: `invalid_argument`, with the
  /// texts of `read`.
  [[nodiscard]] expected<void> check(const value& x) const;

  /// The exact value with its unit: "64mb", "1500ms", "yes". `read` reads it back.
  [[nodiscard]] std::string write(const value& x) const;

  /// The value as CONFIG GET shows it: sizes in bytes and whole seconds without a unit,
  /// other values as `write` does.
  [[nodiscard]] std::string write_plain(const value& x) const;

  /// The allowed values: "0 to 1024", "0, or 64kb and more".
  [[nodiscard]] std::string range() const;

  /// The text of `range`, with examples if values have units.
  [[nodiscard]] std::string allowed() const;

  /// The text that stands for a value in the help: "N", "SIZE"; empty for a flag.
  [[nodiscard]] const std::string& placeholder() const noexcept {
    return placeholder_;
  }

  [[nodiscard]] bool is_flag() const noexcept {
    return form_ == form::flag;
  }

  /// Whether the values are texts, which may need quotes in an ini file.
  [[nodiscard]] bool is_text() const noexcept {
    return form_ == form::text;
  }

private:
  enum class form {
    flag,
    number,
    octal,
    size,
    time,
    seconds,
    fraction,
    word,
    text
  };

  value_kind(form x, std::string placeholder, std::int64_t least = 0,
             std::int64_t most = most_number);

  [[nodiscard]] expected<value> parse(std::string_view text) const;
  [[nodiscard]] expected<value> parse_number(std::string_view text) const;
  [[nodiscard]] expected<value> parse_time(std::string_view text) const;
  [[nodiscard]] std::string bound(std::int64_t x) const;

  form form_;
  std::string placeholder_;
  /// The range of numbers and sizes, and of times in milliseconds.
  std::int64_t least_;
  std::int64_t most_;
  bool zero_too_ = false;
  std::vector<std::string> words_;
  std::string allowed_;
  check_function check_;
};

/// Stores the value of an option in a variable. Precondition: `from` holds the
/// alternative that belongs to T. Throws std::bad_variant_access otherwise.
template <class T>
void assign(const value& from, T& to) {
  if constexpr (requires {
                  typename T::rep;
                  typename T::period;
                })
    to = std::chrono::duration_cast<T>(
      std::get<std::chrono::milliseconds>(from));
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    to = static_cast<T>(std::get<std::int64_t>(from));
  else
    to = std::get<T>(from);
}

/// The value of an option that `assign` would store as `x`.
template <class T>
[[nodiscard]] value value_of(const T& x) {
  if constexpr (requires {
                  typename T::rep;
                  typename T::period;
                })
    return std::chrono::duration_cast<std::chrono::milliseconds>(x);
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return static_cast<std::int64_t>(x);
  else
    return x;
}

} // namespace troupe::settings
