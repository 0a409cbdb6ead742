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

/// What an option is set to: yes or no, a whole number (bytes, too), a time, a fraction,
/// or a text.
using value = std::variant<bool, std::int64_t, std::chrono::milliseconds,
                           double, std::string>;

/// The most that a number or a size may be.
inline constexpr auto most_number = std::numeric_limits<std::int64_t>::max();

/// How the values of an option read: the same on the command line, in the ini file and in
/// CONFIG SET. A plain value; thread-safe once it is made.
class value_kind {
public:
  /// Says what is wrong with a value; empty: nothing is.
  using check_function = std::function<std::string(const value&)>;

  /// yes or no; also true, false, on, off.
  [[nodiscard]] static value_kind flag();

  /// A whole number.
  [[nodiscard]] static value_kind number(std::int64_t least, std::int64_t most);

  /// A number in the octal system, from 0 to `most`.
  [[nodiscard]] static value_kind octal(std::int64_t most);

  /// Bytes: `1024`, `64kb`, `100mb`, `2gb` (of 1024), `64k`, `1m`, `1g` (of 1000).
  [[nodiscard]] static value_kind size(std::int64_t least, std::int64_t most);

  /// A time: `250ms`, `30s`, `5m`, `1h`, `2d`; a number alone counts seconds.
  [[nodiscard]] static value_kind time(std::chrono::milliseconds least,
                                       std::chrono::milliseconds most
                                       = max_ttl);

  /// As above, in whole seconds. CONFIG GET shows it as a number of seconds, as Redis
  /// does.
  [[nodiscard]] static value_kind seconds(std::chrono::seconds least,
                                          std::chrono::seconds most);

  /// A number from 0 to below 1.
  [[nodiscard]] static value_kind fraction();

  /// One of some words, in any case.
  [[nodiscard]] static value_kind word(std::vector<std::string> words);

  /// Any text. `placeholder` stands for it in the help: "PATH".
  [[nodiscard]] static value_kind text(std::string placeholder);

  /// The same, and 0 although it is less than the least.
  [[nodiscard]] value_kind or_zero() &&;

  /// The same with one more condition, which `allowed` describes.
  [[nodiscard]] value_kind checked(std::string allowed,
                                   check_function check) &&;

  /// Reads and checks a value. Errors: `invalid_argument`, in Redis's words where Redis
  /// has this kind.
  [[nodiscard]] expected<value> read(std::string_view text) const;

  /// What is wrong with a text that `read` refuses, and what is allowed.
  [[nodiscard]] std::string refusal(std::string_view text) const;

  /// As `read` for a value of a program. Errors: `invalid_argument`.
  [[nodiscard]] expected<void> check(const value& x) const;

  /// The value with its unit, exactly: "64mb", "1500ms", "yes". `read` reads it.
  [[nodiscard]] std::string write(const value& x) const;

  /// The value as CONFIG GET shows it: sizes in bytes, whole seconds as a number.
  [[nodiscard]] std::string write_plain(const value& x) const;

  /// "0 to 1024", "0, or 64kb and more".
  [[nodiscard]] std::string range() const;

  /// The same, with examples where a value has units.
  [[nodiscard]] std::string allowed() const;

  /// What stands for a value in the help: "N", "SIZE"; empty for a flag.
  [[nodiscard]] const std::string& placeholder() const noexcept {
    return placeholder_;
  }

  [[nodiscard]] bool is_flag() const noexcept {
    return form_ == form::flag;
  }

  /// Whether its values are texts, which an ini file may have to quote.
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
  /// Of numbers and sizes; of times in milliseconds.
  std::int64_t least_;
  std::int64_t most_;
  bool zero_too_ = false;
  std::vector<std::string> words_;
  std::string allowed_;
  check_function check_;
};

/// Gives a variable of a program the value of an option that its type can hold.
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

/// The reverse.
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
