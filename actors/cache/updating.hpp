#pragma once

// How `cache<V>` updates: it combines the user's function, the codec and the region.

#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/regions/region.hpp>

namespace troupe {

/// Calls `f` with the present value. The region handles exceptions of `f`.
template <class V>
template <class F>
maybe<V> cache<V>::next_value(const region& where, bytes_view key, F& f,
                              std::optional<bytes_view> old) {
  std::optional<V> present;
  if (old) {
    auto decoded = decode<V>(*old);
    if (decoded)
      present.emplace(std::move(*decoded));
    else if (decoded.error() == errc::decode_failed)
      where.note_undecodable();
    else
      return tl::unexpected{std::move(decoded.error())};
  }
  return detail::to_maybe<V>(
    detail::call_updater<V>(f, key, std::move(present)));
}

template <class V>
expected<std::optional<bytes>> cache<V>::encode_next(const maybe<V>& next) {
  if (next.failed())
    return tl::unexpected{next.error()};
  if (next.absent())
    return std::optional<bytes>{};
  return encode(*next).map(
    [](bytes&& x) { return std::optional<bytes>{std::move(x)}; });
}

/// The same for a value that is not needed any more.
template <class V>
expected<std::optional<bytes>> cache<V>::encode_next(maybe<V>&& next) {
  if constexpr (std::is_same_v<V, bytes>)
    if (next)
      return std::optional<bytes>{std::move(*next)};
  return encode_next(std::as_const(next));
}

template <class V>
template <class F>
maybe<V> cache<V>::update(bytes_view key, F f, const write_options& how) {
  static_assert(
    detail::updater_of<F, V>,
    "an update function is called as f(std::optional<V>) or f(key, "
    "std::optional<V>), V being the cache's value type, and returns "
    "V, std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::updater_of<F, V>) {
    if (!region_) [[unlikely]]
      return detail::empty_cache();
    // `f` returned the stored value last, so it need not be decoded.
    maybe<V> last;
    auto stored = region_->update(
      key,
      [&](std::optional<bytes_view> old) {
        last = next_value(*region_, key, f, old);
        return encode_next(last);
      },
      how);
    if (!stored)
      return tl::unexpected{std::move(stored.error())};
    return last;
  }
}

template <class V>
template <class F>
std::future<maybe<V>> cache<V>::update_async(std::string key, F f,
                                             const write_options& how) {
  static_assert(
    detail::updater_of<F, V>,
    "an update function is called as f(std::optional<V>) or f(key, "
    "std::optional<V>), V being the cache's value type, and returns "
    "V, std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::updater_of<F, V>) {
    struct state {
      state(std::string k, F x) : key(std::move(k)), f(std::move(x)) {
        // nop
      }

      std::string key;
      F f;
      maybe<V> last;
      std::promise<maybe<V>> made;
    };
    if (!region_)
      return ready(maybe<V>{detail::empty_cache()});
    auto shared = std::make_shared<state>(key, std::move(f));
    auto future = shared->made.get_future();
    region_->update_then(
      carried_key{std::move(key)},
      [shared, where = region_](std::optional<bytes_view> old) {
        shared->last = next_value(*where, shared->key, shared->f, old);
        return encode_next(shared->last);
      },
      how,
      [shared](expected<std::optional<bytes>> stored) {
        if (stored)
          shared->made.set_value(std::move(shared->last));
        else
          shared->made.set_value(tl::unexpected{std::move(stored.error())});
      });
    return future;
  }
}

} // namespace troupe
