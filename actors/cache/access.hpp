#pragma once

// How `cache<V>` reads and writes: codec and region put together.

#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/regions/region.hpp>

namespace troupe {

template <class V>
template <class T>
std::future<T> cache<V>::ready(T result) {
  std::promise<T> made;
  made.set_value(std::move(result));
  return made.get_future();
}

template <class V>
template <class Result, class Value, class Start>
std::future<Result> cache<V>::begin(Start start) const {
  if (!region_)
    return ready(Result{detail::empty_cache()});
  auto made = std::make_shared<std::promise<Result>>();
  auto future = made->get_future();
  start(*region_,
        [made](expected<Value> x) { made->set_value(Result{std::move(x)}); });
  return future;
}

// -- reading -----------------------------------------------------------------------

template <class V>
maybe<V> cache<V>::get(bytes_view key) const {
  maybe<V> result;
  if (!region_) [[unlikely]]
    return detail::empty_cache();
  auto found = region_->visit(key, [&](const entry_view& x) {
    if (auto value = decode<V>(x.value)) [[likely]]
      result.emplace(std::move(*value));
    else
      result = tl::unexpected{std::move(value.error())};
  });
  if (!found) [[unlikely]]
    return tl::unexpected{std::move(found.error())};
  if (result.failed()) [[unlikely]]
    region_->note_unreadable(result.error());
  return result;
}

/// Decodes what `visit` calls its argument with, possibly several times for a key.
template <class V>
template <class Visit>
expected<std::vector<maybe<V>>> cache<V>::read_list(std::size_t size,
                                                    Visit visit) const {
  std::vector<maybe<V>> result(size);
  // Errors other than `decode_failed` concern the whole call.
  expected<void> decoded;
  auto visited = visit([&](std::size_t i, const entry_view* entry) {
    result[i] = {};
    if (entry == nullptr)
      return;
    if (auto value = decode<V>(entry->value))
      result[i].emplace(std::move(*value));
    else if (value.error() == errc::decode_failed)
      result[i] = tl::unexpected{std::move(value.error())};
    else
      decoded = tl::unexpected{std::move(value.error())};
  });
  if (!visited)
    return tl::unexpected{std::move(visited.error())};
  if (!decoded)
    return tl::unexpected{std::move(decoded.error())};
  for (auto& x : result)
    if (x.failed()) [[unlikely]]
      region_->note_unreadable(x.error());
  return result;
}

template <class V>
template <key_range Keys>
expected<std::vector<maybe<V>>> cache<V>::get_many(Keys&& keys) const {
  if (!region_)
    return detail::empty_cache();
  const key_list list{std::forward<Keys>(keys)};
  return read_list(list.views().size(), [&](auto f) {
    return region_->visit_many(list.views(), f);
  });
}

template <class V>
template <key_range Keys>
expected<std::vector<maybe<V>>> cache<V>::get_together(Keys&& keys) const {
  if (!region_)
    return detail::empty_cache();
  const key_list list{std::forward<Keys>(keys)};
  return read_list(list.views().size(), [&](auto f) {
    return region_->visit_together(list.views(), f);
  });
}

template <class V>
std::future<maybe<V>> cache<V>::get_async(std::string key) const {
  if (!region_)
    return ready(maybe<V>{detail::empty_cache()});
  auto made = std::make_shared<std::promise<maybe<V>>>();
  auto future = made->get_future();
  region_->get_then(
    carried_key{std::move(key)}, lookup::use,
    [made, where = region_](expected<std::optional<entry_copy>> found) {
      if (!found) {
        made->set_value(tl::unexpected{std::move(found.error())});
        return;
      }
      auto& entry = *found;
      made->set_value(decode_loaded(
        *where,
        entry ? std::optional<bytes>{std::move(entry->value)} : std::nullopt));
    });
  return future;
}

template <class V>
std::future<yes_or_no> cache<V>::contains_async(std::string key) const {
  return begin<yes_or_no, bool>([&](const region& where, auto done) {
    where.get_then(carried_key{std::move(key)}, lookup::peek,
                   [done](expected<std::optional<entry_copy>> x) {
                     done(std::move(x).map(
                       [](const auto& entry) { return entry.has_value(); }));
                   });
  });
}

template <class V>
std::future<maybe<ttl_duration>> cache<V>::ttl_async(std::string key) const {
  return begin<maybe<ttl_duration>, std::optional<ttl_duration>>(
    [&](const region& where, auto done) {
      where.get_then(
        carried_key{std::move(key)}, lookup::peek,
        [done, keep = region_](expected<std::optional<entry_copy>> x) {
          done(std::move(x).map([&](const auto& entry) {
            return entry ? keep->time_left(entry->deadline) : std::nullopt;
          }));
        });
    });
}

// -- writing -----------------------------------------------------------------------

template <class V>
yes_or_no cache<V>::set(bytes_view key, const V& value,
                        const write_options& how) {
  if (!region_) [[unlikely]]
    return detail::empty_cache();
  if constexpr (std::is_same_v<V, bytes>) {
    return region_->set(key, value, how);
  } else {
    auto encoded = encode(value);
    if (!encoded)
      return tl::unexpected{std::move(encoded.error())};
    return region_->set(key, *encoded, how);
  }
}

template <class V>
expected<void>
cache<V>::set_many(std::span<const std::pair<std::string, V>> items,
                   const write_options& how) {
  if (!region_)
    return detail::empty_cache();
  std::vector<bytes> values;
  std::vector<key_value> encoded;
  values.reserve(items.size());
  encoded.reserve(items.size());
  for (auto& [key, value] : items) {
    auto one = encode(value);
    if (!one)
      return tl::unexpected{std::move(one.error())};
    values.push_back(std::move(*one));
    encoded.push_back({key, values.back()});
  }
  return region_->set_many(encoded, how);
}

template <class V>
yes_or_no cache<V>::set_if_absent(bytes_view key, const V& value,
                                  const write_options& how) {
  if (!region_) [[unlikely]]
    return detail::empty_cache();
  auto encoded = encode(value);
  if (!encoded)
    return tl::unexpected{std::move(encoded.error())};
  return region_->set_if_absent(key, *encoded, how);
}

template <class V>
std::future<yes_or_no> cache<V>::set_async(std::string key, const V& value,
                                           const write_options& how) {
  return begin<yes_or_no, bool>([&](region& where, auto done) {
    auto encoded = encode(value);
    if (!encoded)
      return done(tl::unexpected{std::move(encoded.error())});
    where.set_then(carried_key{std::move(key)}, std::move(*encoded), how,
                   std::move(done));
  });
}

template <class V>
std::future<yes_or_no> cache<V>::set_if_absent_async(std::string key,
                                                     const V& value,
                                                     const write_options& how) {
  auto conditional = unless_present(how);
  if (!conditional)
    return ready(yes_or_no{tl::unexpected{std::move(conditional.error())}});
  return set_async(std::move(key), value, *conditional);
}

template <class V>
std::future<yes_or_no> cache<V>::erase_async(std::string key) {
  return begin<yes_or_no, bool>([&](region& where, auto done) {
    where.erase_then(carried_key{std::move(key)}, std::move(done));
  });
}

template <class V>
std::future<yes_or_no> cache<V>::touch_async(std::string key,
                                             ttl_duration ttl) {
  return begin<yes_or_no, bool>([&](region& where, auto done) {
    where.touch_then(carried_key{std::move(key)}, ttl, std::move(done));
  });
}

template <class V>
std::future<expected<V>>
cache<V>::increment_async(std::string key,
                          std::int64_t delta) requires countable<V> {
  return begin<expected<V>, V>([&](region& where, auto done) {
    where.increment_then(
      carried_key{std::move(key)}, delta, range_of<V>,
      [done](expected<std::int64_t> sum) {
        done(sum.map([](std::int64_t x) { return static_cast<V>(x); }));
      });
  });
}

template <class V>
std::future<expected<std::int64_t>> cache<V>::increment_async(
  std::string key, std::int64_t delta) requires std::same_as<V, std::string> {
  return begin<expected<std::int64_t>, std::int64_t>(
    [&](region& where, auto done) {
      auto within = where.signed_counts();
      if (!within)
        return done(tl::unexpected{std::move(within.error())});
      where.increment_then(carried_key{std::move(key)}, delta, *within,
                           std::move(done));
    });
}

} // namespace troupe
