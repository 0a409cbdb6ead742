#pragma once

// Converts plain values of messages to text and back, by type.

#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/text/duration.hpp>

namespace troupe::detail {

template <class T>
inline constexpr bool is_vector = false;

template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

/// The name of a type for a person who writes a value of it.
template <class T>
std::string type_text() {
  if constexpr (std::is_same_v<T, bytes>) {
    return "text";
  } else if constexpr (std::is_same_v<T, std::vector<bytes>>) {
    return "texts";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true|false";
  } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    return "time";
  } else if constexpr (std::is_enum_v<T>) {
    std::string result;
    for (auto name : enum_names<T>)
      result += (result.empty() ? "" : "|") + std::string{name};
    return result;
  } else if constexpr (std::is_floating_point_v<T>) {
    return "decimal";
  } else {
    static_assert(std::is_integral_v<T>, "no text for fields of this type");
    return std::is_signed_v<T> ? "integer" : "number";
  }
}

/// What to write, for error texts.
template <class T>
std::string hint() {
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>)
    return "a time (500ms, 30s, 5m, 2h, 1d, or none)";
  else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return (std::is_signed_v<T> ? "an integer of " : "a number of ")
           + std::to_string(sizeof(T) * 8) + " bits";
  else if constexpr (std::is_floating_point_v<T>)
    return "a finite decimal number";
  else
    return type_text<T>();
}

template <class T>
bool read_number(std::string_view text, T& to) {
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, to);
  if (code != std::errc{} || stop != end)
    return false;
  // "inf" and "nan" are parsed, but no field accepts them.
  if constexpr (std::is_floating_point_v<T>)
    return std::isfinite(to);
  return true;
}

/// Reads a plain value; false when the text is not a value of type T.
template <class T>
bool read_text(std::string_view text, T& to) {
  if constexpr (std::is_same_v<T, bytes>) {
    to = text;
    return true;
  } else if constexpr (std::is_same_v<T, std::vector<bytes>>) {
    to.emplace_back(text);
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    to = text == "true";
    return to || text == "false";
  } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    auto time = text == "none" ? no_expiry : parse_duration(text);
    to = time.value_or(to);
    return time.has_value();
  } else if constexpr (std::is_enum_v<T>) {
    for (std::size_t i = 0; i < enum_names<T>.size(); ++i)
      if (enum_names<T>[i] == text) {
        to = static_cast<T>(i);
        return true;
      }
    return false;
  } else {
    return read_number(text, to);
  }
}

/// The reverse of `read_text`.
template <class T>
std::string write_text(const T& x) {
  if constexpr (std::is_same_v<T, bytes>) {
    return x;
  } else if constexpr (std::is_same_v<T, std::vector<bytes>>) {
    return {};
  } else if constexpr (std::is_same_v<T, bool>) {
    return x ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    return x == no_expiry ? "none" : duration_text(x);
  } else if constexpr (std::is_enum_v<T>) {
    // A message may hold a value that only a newer version has a name for.
    const auto number = static_cast<std::size_t>(x);
    return number < enum_names<T>.size()
             ? std::string{enum_names<T>[number]}
             : "unknown (" + std::to_string(number) + ")";
  } else {
    char buffer[32];
    return {buffer, std::to_chars(buffer, buffer + sizeof(buffer), x).ptr};
  }
}

} // namespace troupe::detail
