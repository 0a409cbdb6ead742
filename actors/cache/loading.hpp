#pragma once

// How `cache<V>` loads and updates: it combines the user's functions, the codec and the
// region.

#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/regions/region.hpp>

namespace troupe {

// -- loading -----------------------------------------------------------------------

template <class V>
typename cache<V>::sight cache<V>::look(const region& where,
                                        const hashed_key& key) {
  sight result;
  auto found = where.visit(key, [&](const entry_view& x) {
    auto value = decode<V>(x.value);
    if (value) [[likely]] {
      result.value.emplace(std::move(*value));
    } else {
      if (value.error() == errc::decode_failed)
        result.unreadable = x.version;
      result.value = tl::unexpected{std::move(value.error())};
    }
  });
  if (!found) [[unlikely]]
    result.value = tl::unexpected{std::move(found.error())};
  if (result.unreadable != no_version) [[unlikely]]
    where.note_undecodable();
  return result;
}

/// Shared, because std::function copies its target and a loader may be move-only.
template <class V>
template <class Loader>
typename cache<V>::encoded_loader cache<V>::encoding(Loader loader) {
  encoded_loader result;
  auto shared = std::make_shared<Loader>(std::move(loader));
  result.function = [shared, has_run = result.has_run](
                      load_context& context) -> expected<std::optional<bytes>> {
    has_run->store(true);
    return encode_next(
      detail::to_maybe<V>(detail::call_loader(*shared, context)));
  };
  return result;
}

/// Decodes the bytes that a load brought; counts bytes that are not a V.
template <class V>
maybe<V> cache<V>::decode_loaded(const region& where,
                                 const std::optional<bytes>& value) {
  if (!value)
    return std::nullopt;
  auto result = detail::to_maybe<V>(decode<V>(*value));
  if (result.failed()) [[unlikely]]
    where.note_unreadable(result.error());
  return result;
}

template <class V>
template <class Loader>
maybe<V> cache<V>::get_or_set(bytes_view key, Loader loader,
                              const write_options& how,
                              const load_terms& terms) {
  static_assert(detail::loader_of<Loader, V>,
                "a loader is called as f(), f(load_context&), f(key) or f(key, "
                "load_context&) and returns the cache's value type V, "
                "std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::loader_of<Loader, V>) {
    if (!region_) [[unlikely]]
      return detail::empty_cache();
    if (auto ok = region_->check_unconditional(how); !ok) [[unlikely]]
      return tl::unexpected{std::move(ok.error())};
    const hashed_key hashed{key};
    auto seen = look(*region_, hashed);
    if (seen.unreadable == no_version && !seen.value.absent())
      return std::move(seen.value);
    const auto encoded = encoding(std::move(loader));
    // Between two turns, another program may store bytes that are not a V.
    for (std::uint32_t left = defaults::update_races;; --left) {
      if (seen.unreadable != no_version) {
        auto erased = region_->compare_and_erase(hashed, seen.unreadable);
        if (!erased)
          return tl::unexpected{std::move(erased.error())};
      }
      auto loaded
        = region_->load_missing(hashed, encoded.function, how, terms).value;
      if (!loaded)
        return tl::unexpected{std::move(loaded.error())};
      seen.value = decode_loaded(*region_, *loaded);
      if (!(seen.value.error() == errc::decode_failed) || *encoded.has_run
          || left == 0)
        return std::move(seen.value);
      seen = look(*region_, hashed);
      if (seen.unreadable == no_version && !seen.value.absent())
        return std::move(seen.value);
    }
  }
}

/// A load without waiting: it continues in a shard's turn.
template <class V>
struct cache<V>::pending_load : std::enable_shared_from_this<pending_load> {
  pending_load(std::shared_ptr<region> in, carried_key of, encoded_loader by,
               write_options with)
    : where(std::move(in)),
      key(std::move(of)),
      loader(std::move(by)),
      how(std::move(with)) {
    // nop
  }

  std::shared_ptr<region> where;
  carried_key key;
  encoded_loader loader;
  write_options how;
  std::uint32_t left = defaults::update_races;
  std::promise<maybe<V>> made;

  void begin() {
    where->get_then(key, lookup::use,
                    [self = this->shared_from_this()](
                      expected<std::optional<entry_copy>> found) {
                      if (!found)
                        self->finish(tl::unexpected{std::move(found.error())});
                      else if (!*found)
                        self->load();
                      else
                        self->look_at_present(**found);
                    });
  }

  void look_at_present(const entry_copy& entry) {
    auto value = detail::to_maybe<V>(decode<V>(entry.value));
    if (!(value.error() == errc::decode_failed))
      return finish(std::move(value));
    where->note_undecodable();
    where->compare_and_erase_then(
      key, entry.version,
      [self = this->shared_from_this()](expected<bool> erased) {
        if (erased)
          self->load();
        else
          self->finish(tl::unexpected{std::move(erased.error())});
      });
  }

  void load() {
    where->load_missing_then(
      key, loader.function, how,
      [self = this->shared_from_this()](expected<std::optional<bytes>> result) {
        if (!result)
          self->finish(tl::unexpected{std::move(result.error())});
        else
          self->look_at(decode_loaded(*self->where, *result));
      });
  }

  void look_at(maybe<V> value) {
    if (!(value.error() == errc::decode_failed) || *loader.has_run || left == 0)
      return finish(std::move(value));
    --left;
    begin();
  }

  void finish(maybe<V> value) {
    // Destroy what the loader captured before its result is known.
    loader.function = nullptr;
    made.set_value(std::move(value));
  }
};

template <class V>
template <class Loader>
std::future<maybe<V>> cache<V>::get_or_set_async(std::string key, Loader loader,
                                                 const write_options& how) {
  static_assert(detail::loader_of<Loader, V>,
                "a loader is called as f(), f(load_context&), f(key) or f(key, "
                "load_context&) and returns the cache's value type V, "
                "std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::loader_of<Loader, V>) {
    if (!region_)
      return ready(maybe<V>{detail::empty_cache()});
    if (auto ok = region_->check_unconditional(how); !ok)
      return ready(maybe<V>{tl::unexpected{std::move(ok.error())}});
    auto state = std::make_shared<pending_load>(
      region_, carried_key{std::move(key)}, encoding(std::move(loader)), how);
    auto future = state->made.get_future();
    state->begin();
    return future;
  }
}

// -- updating ----------------------------------------------------------------------

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
