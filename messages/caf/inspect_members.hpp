#pragma once

// Checks each member of a type for a form that CAF's serializers accept. CAF itself
// answers an unknown member with a thousand lines of compiler errors.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <caf/detail/type_traits.hpp>
#include <caf/meta/annotation.hpp>
#include <caf/serializer.hpp>

#include <troupe/messages/codec.hpp>

namespace troupe::detail {

/// The members of a type, as its `inspect` names them.
template <class... Ts>
struct members {
  constexpr explicit operator bool() const noexcept {
    return false;
  }
};

/// The result of an `inspect` with a declared return type: its members are not visible.
struct hidden_members {
  template <class... Ts>
  constexpr hidden_members(members<Ts...>) noexcept {
    // nop
  }
};

/// Replaces CAF's inspector to find out which members an `inspect` visits.
struct member_probe {
  using result_type = hidden_members;
  static constexpr bool reads_state = true;
  static constexpr bool writes_state = false;

  template <class... Ts>
  members<std::remove_cvref_t<Ts>...> operator()(Ts&&...) const {
    return {};
  }
};

template <class T>
concept probed = requires(member_probe& f, T& x) {
  inspect(f, x);
};

/// A container that CAF can fill.
template <class T>
concept fillable
  = caf::detail::is_iterable<T>::value && requires(T& x,
                                                   typename T::value_type y) {
  x.clear();
  x.insert(x.end(), std::move(y));
};

/// `member_check<T, Seen...>::value`: T can be written and read, given that the
/// types in `Seen`, which contain it, can. `unknown`: the type to blame.
template <class T, class... Seen>
struct member_check;

template <class T>
struct blame {
  static constexpr bool value = false;
  using unknown = T;
};

struct praise {
  static constexpr bool value = true;
  using unknown = void;
};

/// The first of `Checks` that fails; if none fails, the last.
template <class Check, class... Checks>
struct all_checks
  : std::conditional_t<Check::value, all_checks<Checks...>, Check> {};

template <class Check>
struct all_checks<Check> : Check {};

/// Checks the parts of a library type, or the members that an `inspect` visits.
template <class Members, class... Seen>
struct parts_check : praise {};

template <template <class...> class List, class T, class... Ts, class... Seen>
struct parts_check<List<T, Ts...>, Seen...>
  : all_checks<member_check<std::remove_const_t<T>, Seen...>,
               member_check<std::remove_const_t<Ts>, Seen...>...> {};

template <class T>
inline constexpr bool is_text = false;
template <class C>
inline constexpr bool is_text<std::basic_string<C>> = std::is_integral_v<C>;

template <class T, class... Seen>
auto check_member() {
  if constexpr (
    (std::is_same_v<T, Seen> || ...)
    || std::is_arithmetic_v<
      T> || std::is_enum_v<T> || is_text<T> || std::is_base_of_v<caf::meta::annotation, T>)
    return praise{};
  else if constexpr (borrows_memory<T>::value || std::is_function_v<T>)
    return blame<T>{};
  else if constexpr (caf::detail::has_serialize<T>::value)
    return praise{};
  else if constexpr (probed<T>)
    return parts_check<decltype(inspect(std::declval<member_probe&>(),
                                        std::declval<T&>())),
                       Seen..., T>{};
  else if constexpr (fillable<T>)
    return all_checks<
      member_check<std::remove_const_t<typename T::value_type>, Seen..., T>>{};
  else if constexpr (std::is_empty_v<T>)
    return praise{};
  else
    return blame<T>{};
}

template <class T, class... Seen>
struct member_check : decltype(check_member<T, Seen...>()) {};

template <class T, class... Seen>
struct member_check<std::optional<T>, Seen...> : member_check<T, Seen...> {};

template <class... Ts, class... Seen>
struct member_check<std::variant<Ts...>, Seen...>
  : parts_check<members<Ts...>, Seen...> {};

template <class... Ts, class... Seen>
struct member_check<std::tuple<Ts...>, Seen...>
  : parts_check<members<Ts...>, Seen...> {};

template <class T, class U, class... Seen>
struct member_check<std::pair<T, U>, Seen...>
  : parts_check<members<T, U>, Seen...> {};

template <class T, std::size_t N, class... Seen>
struct member_check<std::array<T, N>, Seen...> : member_check<T, Seen...> {};

template <class T, std::size_t N, class... Seen>
struct member_check<T[N], Seen...> : member_check<T, Seen...> {};

template <class Rep, class Period, class... Seen>
struct member_check<std::chrono::duration<Rep, Period>, Seen...>
  : member_check<Rep, Seen...> {};

template <class Clock, class Duration, class... Seen>
struct member_check<std::chrono::time_point<Clock, Duration>, Seen...>
  : member_check<Duration, Seen...> {};

/// Fails to compile with a text that names the unknown type. Once for each type.
template <class Unknown>
constexpr void no_codec_for() {
  static_assert(
    !std::is_same_v<Unknown, Unknown>,
    "no codec for this type, which is a value's or that of one of its "
    "members (see no_codec_for<...>): give it an `inspect` function, "
    "or specialise troupe::codec for the value");
}

} // namespace troupe::detail
