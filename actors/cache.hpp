#pragma once

// The handle users hold: a region and the codec of its value type.

#include <concepts>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/actors/load_context.hpp>
#include <troupe/actors/region.hpp>
#include <troupe/messages/codec.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class region_directory;

/// The name under which a runtime remembers a region's value type. Types whose
/// values are the stored bytes themselves share one.
template <class V>
[[nodiscard]] std::string value_type_name();

/// A typed cache: cheap to copy, thread-safe. It may outlive the runtime, whose
/// regions then answer `shutting_down`.
///
/// Errors of every operation are those of `region`, plus `encode_failed` and
/// `decode_failed` (the stored bytes are no V). What loaders, update functions
/// and codecs throw becomes an error of the call; it never reaches a shard.
///
/// A read decodes the entry in place. Until the codec returns, memory that
/// writers free stays allocated: a codec must not wait for anything.
template <class V>
class cache {
public:
  using value_type = V;

  /// Use `runtime::open`.
  cache(std::shared_ptr<region> where,
        std::shared_ptr<const region_directory> directory)
    : region_(std::move(where)), directory_(std::move(directory)) {
    // nop
  }

  [[nodiscard]] const std::string& name() const noexcept {
    return region_->name();
  }

  /// The same cache at the level of bytes.
  [[nodiscard]] const std::shared_ptr<region>& bytes_region() const noexcept {
    return region_;
  }

  /// The same cache as an actor, a `region_actor`: takes typed messages of any
  /// actor here or elsewhere. Ends with the runtime: do not keep it longer.
  /// Defined in <troupe/actors/runtime.hpp>.
  [[nodiscard]] auto actor() const;

  // -- reading -----------------------------------------------------------------

  /// The value, or nothing when the key is absent or expired.
  expected<std::optional<V>> get(bytes_view key) const;

  /// One result per key, in order; faster than single reads. An error when a
  /// value does not decode. `Keys`: a range of things that convert to
  /// `bytes_view`.
  template <class Keys>
  expected<std::vector<std::optional<V>>> get_many(const Keys& keys) const;

  expected<bool> contains(bytes_view key) const {
    return region_->contains(key);
  }

  /// See `region::ttl`.
  expected<std::optional<ttl_duration>> ttl(bytes_view key) const {
    return region_->ttl(key);
  }

  // -- writing -----------------------------------------------------------------

  /// Stores `value`. False when the condition in `how` did not hold.
  expected<bool> set(bytes_view key, const V& value,
                     const write_options& how = {});

  /// Stores `value` unless the key has a live entry; tells whether it did.
  expected<bool> set_if_absent(bytes_view key, const V& value,
                               const write_options& how = {});

  /// Removes the entry; tells whether there was one. No load that began before
  /// stores its result after.
  expected<bool> erase(bytes_view key) {
    return region_->erase(key);
  }

  /// Gives a live entry a new TTL; tells whether there was one.
  expected<bool> touch(bytes_view key, ttl_duration ttl) {
    return region_->touch(key, ttl);
  }

  /// Adds to the integer under `key`, which counts from 0 when absent, and
  /// returns the sum.
  expected<std::int64_t> increment(bytes_view key, std::int64_t delta = 1)
    requires decimal_integer<V> || std::same_as<V, std::string>
  {
    return region_->increment(key, delta);
  }

  /// See `region::set_many`. Errors: also `encode_failed`, before anything is
  /// stored.
  expected<void> set_many(std::span<const std::pair<std::string, V>> items,
                          const write_options& how = {});

  /// Removes everything, at once for all who look from now on.
  expected<void> clear() {
    return region_->clear();
  }

  /// Removes all entries with a tag in the same way.
  expected<void> invalidate_tag(bytes_view name) {
    return region_->invalidate_tag(name);
  }

  /// See `region::set_limits`.
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries) {
    return region_->set_limits(max_bytes, max_entries);
  }

  /// See `region::namespaces`.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const {
    return region_->namespaces();
  }

  /// See `region::set_namespace_limits`.
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries) {
    return region_->set_namespace_limits(prefix, max_bytes, max_entries);
  }

  /// Removes the keys of a namespace; see `region::clear_namespace`.
  expected<void> clear_namespace(bytes_view prefix) {
    return region_->clear_namespace(prefix);
  }

  // -- loading and updating ----------------------------------------------------

  /// The value; when absent, that of one run of a loader for all that ask
  /// meanwhile. `loader` is called as `loader(load_context&)` or `loader()` on a
  /// loader thread and returns V or `expected<V>`. It may still run when this
  /// has returned with a timeout: what it refers to must live on.
  template <class Loader>
  expected<V> get_or_set(bytes_view key, Loader loader,
                         const write_options& how = {});

  /// Replaces the value by what `f` makes of it, atomically: `f` is called with
  /// an `std::optional<V>` on this thread, possibly several times, and returns
  /// V, `std::optional<V>` (empty: erase) or an `expected` of these. Returns
  /// the value that was stored, or nothing when `f` chose to erase.
  template <class F>
  expected<std::optional<V>> update(bytes_view key, F f,
                                    const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // See `region`. Reads and what needs no waiting are ready at once.

  std::future<expected<std::optional<V>>> get_async(bytes_view key) const {
    return ready(get(key));
  }

  template <class Keys>
  std::future<expected<std::vector<std::optional<V>>>>
  get_many_async(const Keys& keys) const {
    return ready(get_many(keys));
  }

  std::future<expected<bool>> contains_async(bytes_view key) const {
    return ready(contains(key));
  }

  std::future<expected<std::optional<ttl_duration>>>
  ttl_async(bytes_view key) const {
    return ready(ttl(key));
  }

  std::future<expected<bool>> set_async(std::string key, const V& value,
                                        const write_options& how = {});

  std::future<expected<bool>>
  set_if_absent_async(std::string key, const V& value,
                      const write_options& how = {});

  std::future<expected<bool>> erase_async(std::string key) {
    return region_->erase_async(std::move(key));
  }

  std::future<expected<bool>> touch_async(std::string key, ttl_duration ttl) {
    return region_->touch_async(std::move(key), ttl);
  }

  std::future<expected<std::int64_t>> increment_async(std::string key,
                                                      std::int64_t delta = 1)
    requires decimal_integer<V> || std::same_as<V, std::string>
  {
    return region_->increment_async(std::move(key), delta);
  }

  std::future<expected<void>> clear_async() {
    return region_->clear_async();
  }

  template <class Loader>
  std::future<expected<V>> get_or_set_async(std::string key, Loader loader,
                                            const write_options& how = {});

  /// `f` runs on a loader thread.
  template <class F>
  std::future<expected<std::optional<V>>>
  update_async(std::string key, F f, const write_options& how = {});

private:
  template <class T>
  static std::future<T> ready(T result);

  template <class Loader>
  static bytes_loader encoding(Loader loader);

  template <class F>
  static expected<std::optional<V>> next_value(F& f,
                                               std::optional<bytes_view> old);

  static expected<std::optional<bytes>>
  encode_next(const expected<std::optional<V>>& next);

  std::shared_ptr<region> region_;
  std::shared_ptr<const region_directory> directory_;
};

// -- implementation ----------------------------------------------------------------

namespace detail {

/// The compiler's spelling of a type.
template <class V>
[[nodiscard]] std::string_view spelling() {
  // GCC: "... [with V = int; std::string_view = ...]", Clang: "... [V = int]".
  std::string_view all = __PRETTY_FUNCTION__;
  auto start = all.find("V = ") + 4;
  auto end = all.find("; std::string_view", start);
  if (end == std::string_view::npos)
    end = all.rfind(']');
  return all.substr(start, end - start);
}

template <class V>
inline constexpr bool is_bytes = false;
template <>
inline constexpr bool is_bytes<std::string> = true;
template <>
inline constexpr bool is_bytes<std::vector<char>> = true;
template <>
inline constexpr bool is_bytes<std::vector<unsigned char>> = true;
template <>
inline constexpr bool is_bytes<std::vector<std::byte>> = true;

} // namespace detail

template <class V>
std::string value_type_name() {
  if constexpr (detail::is_bytes<V>)
    return "bytes";
  else
    return std::string{detail::spelling<V>()};
}

template <class V>
template <class T>
std::future<T> cache<V>::ready(T result) {
  std::promise<T> made;
  made.set_value(std::move(result));
  return made.get_future();
}

// -- reading -----------------------------------------------------------------------

template <class V>
expected<std::optional<V>> cache<V>::get(bytes_view key) const {
  expected<std::optional<V>> result;
  auto found = region_->visit(key, [&](const entry_view& x) {
    result = decode<V>(x.value).map(
      [](V&& value) { return std::optional<V>{std::move(value)}; });
  });
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

template <class V>
template <class Keys>
expected<std::vector<std::optional<V>>>
cache<V>::get_many(const Keys& keys) const {
  std::vector<bytes_view> views(std::begin(keys), std::end(keys));
  std::vector<std::optional<V>> result(views.size());
  expected<void> decoded;
  auto visited = region_->visit_many(
    views, [&](std::size_t i, const entry_view* entry) {
      if (entry == nullptr || !decoded)
        return;
      if (auto value = decode<V>(entry->value))
        result[i] = std::move(*value);
      else
        decoded = tl::unexpected{std::move(value.error())};
    });
  if (!visited)
    return tl::unexpected{std::move(visited.error())};
  if (!decoded)
    return tl::unexpected{std::move(decoded.error())};
  return result;
}

// -- writing -----------------------------------------------------------------------

template <class V>
expected<bool> cache<V>::set(bytes_view key, const V& value,
                             const write_options& how) {
  if constexpr (std::is_same_v<V, bytes>) {
    return region_->set(key, value, how);
  } else {
    return encode(value).and_then(
      [&](const bytes& encoded) { return region_->set(key, encoded, how); });
  }
}

template <class V>
expected<void>
cache<V>::set_many(std::span<const std::pair<std::string, V>> items,
                   const write_options& how) {
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
expected<bool> cache<V>::set_if_absent(bytes_view key, const V& value,
                                       const write_options& how) {
  auto conditional = how;
  conditional.condition = write_condition::if_absent;
  return set(key, value, conditional);
}

template <class V>
std::future<expected<bool>> cache<V>::set_async(std::string key,
                                                const V& value,
                                                const write_options& how) {
  auto encoded = encode(value);
  if (!encoded)
    return ready(expected<bool>{tl::unexpect, std::move(encoded.error())});
  return region_->set_async(std::move(key), std::move(*encoded), how);
}

template <class V>
std::future<expected<bool>>
cache<V>::set_if_absent_async(std::string key, const V& value,
                              const write_options& how) {
  auto conditional = how;
  conditional.condition = write_condition::if_absent;
  return set_async(std::move(key), value, conditional);
}

// -- loading -----------------------------------------------------------------------

/// The loader as the region wants it. Shared, since std::function copies what
/// it holds and a loader may be one that cannot be copied.
template <class V>
template <class Loader>
bytes_loader cache<V>::encoding(Loader loader) {
  auto shared = std::make_shared<Loader>(std::move(loader));
  return [shared](load_context& context) -> expected<std::optional<bytes>> {
    auto run = [&]() -> decltype(auto) {
      if constexpr (std::is_invocable_v<Loader&, load_context&>)
        return (*shared)(context);
      else
        return (*shared)();
    };
    using result_type = std::remove_cvref_t<decltype(run())>;
    if constexpr (std::is_same_v<result_type, expected<V>>)
      return run().and_then([](const V& value) {
        return encode(value).map(
          [](bytes&& x) { return std::optional<bytes>{std::move(x)}; });
      });
    else
      return encode<V>(run()).map(
        [](bytes&& x) { return std::optional<bytes>{std::move(x)}; });
  };
}

template <class V>
template <class Loader>
expected<V> cache<V>::get_or_set(bytes_view key, Loader loader,
                                 const write_options& how) {
  auto present = get(key);
  if (!present)
    return tl::unexpected{std::move(present.error())};
  if (*present)
    return std::move(**present);
  return region_->get_or_set(key, encoding(std::move(loader)), how)
    .and_then(
      [](const std::optional<bytes>& value) { return decode<V>(*value); });
}

template <class V>
template <class Loader>
std::future<expected<V>>
cache<V>::get_or_set_async(std::string key, Loader loader,
                           const write_options& how) {
  auto made = std::make_shared<std::promise<expected<V>>>();
  auto future = made->get_future();
  region_->get_or_set_then(
    std::move(key), encoding(std::move(loader)), how,
    [made](expected<std::optional<bytes>> x) {
      made->set_value(x.and_then(
        [](const std::optional<bytes>& value) { return decode<V>(*value); }));
    });
  return future;
}

// -- updating ----------------------------------------------------------------------

/// What `f` makes of the present value; exceptions of `f` are the region's.
template <class V>
template <class F>
expected<std::optional<V>>
cache<V>::next_value(F& f, std::optional<bytes_view> old) {
  std::optional<V> present;
  if (old) {
    auto decoded = decode<V>(*old);
    if (!decoded)
      return tl::unexpected{std::move(decoded.error())};
    present = std::move(*decoded);
  }
  using result_type
    = std::remove_cvref_t<std::invoke_result_t<F&, std::optional<V>>>;
  if constexpr (std::is_same_v<result_type, expected<V>>)
    return f(std::move(present)).map([](V&& x) {
      return std::optional<V>{std::move(x)};
    });
  else
    return f(std::move(present));
}

template <class V>
expected<std::optional<bytes>>
cache<V>::encode_next(const expected<std::optional<V>>& next) {
  if (!next)
    return tl::unexpected{next.error()};
  if (!*next)
    return std::optional<bytes>{};
  return encode(**next).map([](bytes&& x) {
    return std::optional<bytes>{std::move(x)};
  });
}

template <class V>
template <class F>
expected<std::optional<V>> cache<V>::update(bytes_view key, F f,
                                            const write_options& how) {
  // What was stored is what `f` returned last, so it need not be decoded.
  expected<std::optional<V>> last;
  auto stored = region_->update(
    key,
    [&](std::optional<bytes_view> old) {
      last = next_value(f, old);
      return encode_next(last);
    },
    how);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  return last;
}

template <class V>
template <class F>
std::future<expected<std::optional<V>>>
cache<V>::update_async(std::string key, F f, const write_options& how) {
  struct state {
    explicit state(F x) : f(std::move(x)) {
      // nop
    }

    F f;
    expected<std::optional<V>> last;
    std::promise<expected<std::optional<V>>> made;
  };
  auto shared = std::make_shared<state>(std::move(f));
  auto future = shared->made.get_future();
  region_->update_then(
    std::move(key),
    [shared](std::optional<bytes_view> old) {
      shared->last = next_value(shared->f, old);
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

} // namespace troupe
