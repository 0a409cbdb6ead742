#pragma once

// How a cache calls its users' functions, and what these may return. The texts of
// `cache`'s static_asserts describe the allowed signatures.

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/loads/load_function.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe::detail {

/// The result type of a function whose signature does not fit.
struct no_shape {};

/// What a loader or update function may return: V, std::optional<V>, `expected` of
/// either, `maybe<V>`, and types that convert to one of these.
template <class R, class V>
concept value_result
  = std::convertible_to<R, V> || std::convertible_to<R, maybe<V>> || std::
    convertible_to<R, std::optional<V>> || std::convertible_to<
      R, expected<V>> || std::convertible_to<R, expected<std::optional<V>>>;

/// Converts the result of the user's function to `maybe<V>`.
template <class V, class R>
  requires value_result<R, V>
[[nodiscard]] maybe<V> to_maybe(R&& x) {
  using plain = std::remove_cvref_t<R>;
  // A V is a value, also when V itself is a std::optional.
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

/// Calls a loader with the arguments that its signature takes. A generic parameter
/// receives the context.
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

/// A loader without a thread, whose result is a V; see `deferred_loader`.
template <class Loader, class V>
concept deferred_loader_of
  = !loader_of<
      Loader,
      V> && (std::same_as<Loader, deferred_loader> || std::invocable<Loader&, std::shared_ptr<load_context>, std::function<void(maybe<V>)>>);

template <class Loader, class V>
concept any_loader_of = loader_of<Loader, V> || deferred_loader_of<Loader, V>;

/// Calls an update function with the arguments that its signature takes.
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
