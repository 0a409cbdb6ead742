#pragma once

// The members of a struct as a list of types. It follows the struct
// (messages/requests/). All code that needs the members is made from it: CAF's
// `inspect` and type ids (messages/caf/), and the console's description of a message
// (forms.hpp).
//
//   struct get_request {
//     bytes key;
//   };
//
//   fields<&get_request::key> fields_of(const get_request&);

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

/// Pointers to the members that are sent, in that order.
template <auto... Members>
struct fields {};

/// A struct with a `fields_of`, which is declared but not defined.
template <class T>
concept described = !std::is_const_v<T> && requires(const T& x) {
  fields_of(x);
};

template <described T>
using fields_t = decltype(fields_of(std::declval<const T&>()));

namespace detail {

template <class T, class Struct>
T type_of_member(T Struct::*);

// Standard C++20 has no names of members; the compiler's spelling of a function has
// them.
// GCC:   "... [with auto Which = &get_request::key]"
// Clang: "... [Which = &troupe::get_request::key]"

template <auto Which>
constexpr auto spelling() noexcept {
  return std::string_view{__PRETTY_FUNCTION__};
}

template <class Which>
constexpr auto spelling() noexcept {
  return std::string_view{__PRETTY_FUNCTION__};
}

/// The last part of the name in a spelling.
constexpr std::string_view last_name(std::string_view x) noexcept {
  constexpr std::string_view mark = "Which = ";
  x.remove_prefix(x.find(mark) + mark.size());
  x = x.substr(0, x.find_first_of(";]"));
  if (const auto i = x.rfind("::"); i != x.npos)
    x.remove_prefix(i + 2);
  return x;
}

} // namespace detail

/// The type of a member: `bytes` for `&get_request::key`.
template <auto Member>
using member_type = decltype(detail::type_of_member(Member));

/// "key" for `&get_request::key`, "if_absent" for `write_condition::if_absent`.
template <auto Which>
inline constexpr std::string_view name_of
  = detail::last_name(detail::spelling<Which>());

/// "get_request" for `troupe::get_request`.
template <class T>
inline constexpr std::string_view type_name_of
  = detail::last_name(detail::spelling<T>());

/// The names of an enum's values, which are declared in sequence from zero, at most 16.
template <class Enum>
  requires std::is_enum_v<Enum>
inline constexpr auto enum_names =
  []<std::size_t... I>(std::index_sequence<I...>) {
  // A number without a name in the enum is spelled as a cast: "(write_condition)3".
  constexpr auto is_name = [](std::string_view x) {
    return x.find_first_of("()") == x.npos
           && x.find_first_of("0123456789") != 0;
  };
  constexpr std::size_t count
    = (std::size_t{0} + ... + (is_name(name_of<static_cast<Enum>(I)>) ? 1 : 0));
  constexpr std::array all{name_of<static_cast<Enum>(I)>...};
  std::array<std::string_view, count> result;
  for (std::size_t i = 0; i < count; ++i)
    result[i] = all[i];
  return result;
}
(std::make_index_sequence<16>{});

} // namespace troupe
