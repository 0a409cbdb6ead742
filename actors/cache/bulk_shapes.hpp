#pragma once

// How a cache calls a loader of several keys, and what that may return.

#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/actors/cache/function_shapes.hpp>
#include <troupe/actors/loads/bulk_context.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe::detail {

/// The results of a loader of several keys, in the order of the keys.
template <class V>
using results_of = std::vector<maybe<V>>;

template <class T>
inline constexpr bool is_vector = false;

template <class T, class Allocator>
inline constexpr bool is_vector<std::vector<T, Allocator>> = true;

/// A vector with a result for each key.
template <class R, class V>
concept result_vector = is_vector<std::remove_cvref_t<R>> && value_result<
  typename std::remove_cvref_t<R>::value_type, V>;

/// A map from keys to results.
template <class R, class V>
concept result_map = value_result<typename R::mapped_type, V> && requires(
  R& x, const std::string& key) {
  x.find(key)->second;
  x.find(key) == x.end();
};

template <class V, class R>
  requires result_vector<R, V>
[[nodiscard]] expected<results_of<V>>
to_results(R all, const std::vector<std::string>&) {
  using one = typename R::value_type;
  results_of<V> result;
  result.reserve(all.size());
  // A vector of bool has no references.
  for (std::size_t i = 0; i < all.size(); ++i)
    result.push_back(to_maybe<V>(one(std::move(all[i]))));
  return result;
}

template <class V, class R>
  requires result_map<R, V>
[[nodiscard]] expected<results_of<V>>
to_results(R all, const std::vector<std::string>& keys) {
  using one = typename R::mapped_type;
  results_of<V> result(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const auto found = all.find(keys[i]); found != all.end())
      result[i] = to_maybe<V>(one(std::move(found->second)));
  return result;
}

template <class R, class V>
concept plain_results = result_vector<R, V> || result_map<R, V>;

template <class R>
struct without_error {
  using type = R;
};

template <class T>
struct without_error<expected<T>> {
  using type = T;
};

template <class R, class V>
concept results
  = plain_results<typename without_error<std::remove_cvref_t<R>>::type, V>;

/// Converts what the loader returned; copies what it only refers to.
template <class V, class R>
  requires results<R, V>
[[nodiscard]] expected<results_of<V>>
results_from(R&& x, const std::vector<std::string>& keys) {
  using plain = std::remove_cvref_t<R>;
  if constexpr (plain_results<plain, V>) {
    return to_results<V, plain>(std::forward<R>(x), keys);
  } else {
    using all = typename plain::value_type;
    if (!x)
      return tl::unexpected{x.error()};
    return to_results<V, all>(*std::forward<R>(x), keys);
  }
}

/// Calls the loader with the arguments that its signature takes.
template <class Loader>
decltype(auto) call_bulk_loader(Loader& f, bulk_context& context) {
  using keys = const std::vector<std::string>&;
  if constexpr (std::is_invocable_v<Loader&, keys, bulk_context&>)
    return std::invoke(f, context.keys(), context);
  else if constexpr (std::is_invocable_v<Loader&, keys>)
    return std::invoke(f, context.keys());
  else
    return no_shape{};
}

template <class Loader, class V>
concept bulk_loader_of
  = results<decltype(call_bulk_loader(std::declval<Loader&>(),
                                      std::declval<bulk_context&>())),
            V>;

template <class Loader, class V>
constexpr void check_bulk_loader() {
  static_assert(
    bulk_loader_of<Loader, V>,
    "a loader of several keys is called as f(const std::vector<std::string>&) "
    "or f(const std::vector<std::string>&, bulk_context&); it returns a "
    "std::vector, with one result per key, or a map from std::string to "
    "results, or an expected of these; a result is the cache's value type V, "
    "std::optional<V>, expected<V> or maybe<V>");
}

} // namespace troupe::detail
