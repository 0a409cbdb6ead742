#pragma once

// How `cache<V>` loads: it combines the user's loader, the codec and the region.

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
  auto shared = std::make_shared<Loader>(std::move(loader));
  auto has_run = std::make_shared<std::atomic<bool>>(false);
  using context_pointer = std::shared_ptr<load_context>;
  using bytes_done = std::function<void(expected<std::optional<bytes>>)>;
  if constexpr (std::same_as<Loader, deferred_loader>)
    return {[shared, has_run](context_pointer context, bytes_done done) {
              has_run->store(true);
              (*shared)(std::move(context), std::move(done));
            },
            has_run};
  else if constexpr (detail::deferred_loader_of<Loader, V>)
    return {[shared, has_run](context_pointer context, bytes_done done) {
              has_run->store(true);
              std::invoke(*shared, std::move(context),
                          std::function<void(maybe<V>)>{
                            [done = std::move(done)](maybe<V> x) {
                              done(encode_next(x));
                            }});
            },
            has_run};
  else
    return {[shared,
             has_run](load_context& context) -> expected<std::optional<bytes>> {
              has_run->store(true);
              return encode_next(
                detail::to_maybe<V>(detail::call_loader(*shared, context)));
            },
            has_run};
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

/// The same for bytes that are not needed any more.
template <class V>
maybe<V> cache<V>::decode_loaded(const region& where,
                                 std::optional<bytes>&& value) {
  if constexpr (std::is_same_v<V, bytes>)
    if (value)
      return std::move(*value);
  return decode_loaded(where, std::as_const(value));
}

template <class V>
template <class Loader>
maybe<V> cache<V>::get_or_set(bytes_view key, Loader loader,
                              const write_options& how,
                              const load_terms& terms) {
  return get_or_load(key, std::move(loader), how, terms).value;
}

template <class V>
template <class Loader>
loaded<V> cache<V>::get_or_load(bytes_view key, Loader loader,
                                const write_options& how,
                                const load_terms& terms) {
  static_assert(detail::any_loader_of<Loader, V>,
                "a loader is called as f(), f(load_context&), f(key) or f(key, "
                "load_context&) and returns the cache's value type V, "
                "std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::any_loader_of<Loader, V>) {
    if (!region_) [[unlikely]]
      return {detail::empty_cache()};
    if (auto ok = region_->check_unconditional(how); !ok) [[unlikely]]
      return {tl::unexpected{std::move(ok.error())}};
    const hashed_key hashed{key};
    if (region_->has_moments()) [[unlikely]]
      return load_usable(hashed, encoding(std::move(loader)), how, terms);
    auto seen = look(*region_, hashed);
    if (seen.unreadable == no_version && !seen.value.absent())
      return {std::move(seen.value), load_origin::hit};
    const auto encoded = encoding(std::move(loader));
    // Between two turns, another program may store bytes that are not a V.
    for (std::uint32_t left = defaults::update_races;; --left) {
      if (seen.unreadable != no_version) {
        auto erased = region_->compare_and_erase(hashed, seen.unreadable);
        if (!erased)
          return {tl::unexpected{std::move(erased.error())}};
      }
      auto result = of_answer(
        *region_, region_->load_missing(hashed, encoded.function, how, terms));
      if (!(result.value.error() == errc::decode_failed) || *encoded.has_run
          || left == 0)
        return result;
      seen = look(*region_, hashed);
      if (seen.unreadable == no_version && !seen.value.absent())
        return {std::move(seen.value), load_origin::hit};
    }
  }
}

/// The same in a region whose entries may be stale.
template <class V>
loaded<V>
cache<V>::load_usable(const hashed_key& key, const encoded_loader& loader,
                      const write_options& how, const load_terms& terms) {
  for (std::uint32_t left = defaults::update_races;; --left) {
    auto answer = region_->get_or_load(key, loader.function, how, terms);
    // `no_version` removes a stale entry.
    const auto version = answer.version;
    auto result = of_answer(*region_, std::move(answer));
    if (!(result.value.error() == errc::decode_failed) || *loader.has_run
        || left == 0)
      return result;
    auto erased = region_->compare_and_erase(key, version);
    if (!erased)
      return {tl::unexpected{std::move(erased.error())}};
  }
}

template <class V>
loaded<V> cache<V>::of_answer(const region& where, load_answer answer) {
  return {answer.value ? decode_loaded(where, std::move(*answer.value))
                       : maybe<V>{tl::unexpected{answer.value.error()}},
          answer.origin, answer.why_stale, answer.fenced};
}

/// A load without waiting: it continues in a shard's turn.
template <class V>
struct cache<V>::pending_load : std::enable_shared_from_this<pending_load> {
  pending_load(std::shared_ptr<region> in, carried_key of, encoded_loader by,
               write_options with, load_terms on)
    : where(std::move(in)),
      key(std::move(of)),
      loader(std::move(by)),
      how(std::move(with)),
      terms(std::move(on)) {
    // nop
  }

  std::shared_ptr<region> where;
  carried_key key;
  encoded_loader loader;
  write_options how;
  load_terms terms;
  std::uint32_t left = defaults::update_races;
  std::promise<maybe<V>> made;

  void begin() {
    if (where->has_moments())
      return where->get_or_set_then(
        key, loader.function, how,
        [self
         = this->shared_from_this()](expected<std::optional<bytes>> result) {
          if (!result)
            self->finish(tl::unexpected{std::move(result.error())});
          else
            self->look_at(decode_loaded(*self->where, *result));
        },
        terms);
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
      },
      terms);
  }

  void look_at(maybe<V> value) {
    if (!(value.error() == errc::decode_failed) || *loader.has_run || left == 0)
      return finish(std::move(value));
    --left;
    if (!where->has_moments())
      return begin();
    // The entry is no V, whichever it is by now: it counts as absent.
    where->erase_then(
      key, [self = this->shared_from_this()](expected<bool> erased) {
        if (erased)
          self->begin();
        else
          self->finish(tl::unexpected{std::move(erased.error())});
      });
  }

  void finish(maybe<V> value) {
    // Destroy what the loader captured before its result is known.
    loader.function.forget();
    made.set_value(std::move(value));
  }
};

template <class V>
template <class Loader>
std::future<maybe<V>> cache<V>::get_or_set_async(std::string key, Loader loader,
                                                 const write_options& how,
                                                 const load_terms& terms) {
  static_assert(detail::any_loader_of<Loader, V>,
                "a loader is called as f(), f(load_context&), f(key) or f(key, "
                "load_context&) and returns the cache's value type V, "
                "std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::any_loader_of<Loader, V>) {
    if (!region_)
      return ready(maybe<V>{detail::empty_cache()});
    if (auto ok = region_->check_unconditional(how); !ok)
      return ready(maybe<V>{tl::unexpected{std::move(ok.error())}});
    auto state
      = std::make_shared<pending_load>(region_, carried_key{std::move(key)},
                                       encoding(std::move(loader)), how, terms);
    auto future = state->made.get_future();
    state->begin();
    return future;
  }
}

} // namespace troupe
