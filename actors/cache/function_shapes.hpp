#pragma once

// How a cache calls the functions of its users, and what these may return. What a
// function may look like is said once, in the texts of `cache`'s static_asserts.

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe::detail {

/// What a function of the wrong shape returns.
struct no_shape {};

/// What a function may return where a V is wanted: V, std::optional<V>,
/// `expected` of either, `maybe<V>`, and what converts to one of them.
template <class R, class V>
concept value_result
  = std::convertible_to<R, V> || std::convertible_to<R, maybe<V>> || std::
    convertible_to<R, std::optional<V>> || std::convertible_to<
      R, expected<V>> || std::convertible_to<R, expected<std::optional<V>>>;

/// A result of the user's function as one type.
template <class V, class R>
  requires value_result<R, V>
[[nodiscard]] maybe<V> to_maybe(R&& x) {
  using plain = std::remove_cvref_t<R>;
  // What is a V is that, also when V is an optional itself.
  if constexpr (std::is_same_v<plain, V>)
    return maybe<V>{V(std::forward<R>(x))};
  else if constexpr (std::is_same_v<plain, expected<V>>)
    return std::forward<R>(x).map([](auto&& value) {
      return std::optional<V>{std::forward<decltype(value)>(value)};
    });
  else if constexpr (
    std::is_same_v<
      plain,
      std::optional<
        V>> || std::is_same_v<plain, expected<std::optional<V>>> || std::is_same_v<plain, maybe<V>>)
    return std::forward<R>(x);
  else if constexpr (std::convertible_to<R, V>)
    return maybe<V>{static_cast<V>(std::forward<R>(x))};
  else if constexpr (std::convertible_to<R, std::optional<V>>)
    return std::optional<V>{std::forward<R>(x)};
  else if constexpr (std::convertible_to<R, expected<V>>)
    return to_maybe<V>(expected<V>{std::forward<R>(x)});
  else
    return expected<std::optional<V>>{std::forward<R>(x)};
}

/// Calls a loader as it wants to be called. One with a parameter of any type gets
/// the context.
template <class Loader>
decltype(auto) call_loader(Loader& f, load_context& context) {
  using key = const std::string&;
  if constexpr (std::is_invocable_v<Loader&, load_context&>)
    return std::invoke(f, context);
  else if constexpr (std::is_invocable_v<Loader&, key, load_context&>)
    return std::invoke(f, context.key(), context);
  else if constexpr (std::is_invocable_v<Loader&, key>)
    return std::invoke(f, context.key());
  else if constexpr (std::is_invocable_v<Loader&>)
    return std::invoke(f);
  else
    return no_shape{};
}

template <class Loader, class V>
concept loader_of
  = value_result<decltype(call_loader(std::declval<Loader&>(),
                                      std::declval<load_context&>())),
                 V>;

/// Calls an update function as it wants to be called.
template <class V, class F>
decltype(auto) call_updater(F& f, bytes_view key, std::optional<V>&& present) {
  if constexpr (std::is_invocable_v<F&, std::optional<V>>)
    return std::invoke(f, std::move(present));
  else if constexpr (std::is_invocable_v<F&, bytes_view, std::optional<V>>)
    return std::invoke(f, key, std::move(present));
  else if constexpr (std::is_invocable_v<F&, std::string, std::optional<V>>)
    return std::invoke(f, std::string{key}, std::move(present));
  else
    return no_shape{};
}

template <class F, class V>
concept updater_of
  = value_result<decltype(call_updater<V>(std::declval<F&>(), bytes_view{},
                                          std::declval<std::optional<V>>())),
                 V>;

} // namespace troupe::detail
