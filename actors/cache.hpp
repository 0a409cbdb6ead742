#pragma once

// The handle users hold: a region and the codec of its value type.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/actors/function_shapes.hpp>
#include <troupe/actors/key_list.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/value_type.hpp>
#include <troupe/messages/codec.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe {

class region_directory;

namespace detail {

/// The answer of a cache that is empty.
[[nodiscard]] tl::unexpected<error> empty_cache();

/// Its name.
[[nodiscard]] const std::string& no_name() noexcept;

} // namespace detail

/// A typed cache: cheap to copy, thread-safe. It may outlive the runtime, whose
/// regions then answer `shutting_down`. A default-constructed one is empty: every
/// operation answers `invalid_argument`.
///
/// Errors of every operation are those of `region`, plus `encode_failed` and
/// `decode_failed` (the stored bytes are no V). What loaders, update functions
/// and codecs throw becomes an error of the call; it never reaches a shard.
///
/// A read decodes the entry in place. Until the codec returns, memory that
/// writers free stays allocated: a codec must not wait for anything.
///
/// Results are true as conditions in one case only: `if (cache.get(key))` for a
/// hit, `if (cache.erase(key))` when an entry was erased; see result.hpp.
template <class V>
class cache {
public:
  using value_type = V;

  /// Empty.
  cache() = default;

  /// Use `runtime::open`.
  cache(std::shared_ptr<region> where,
        std::shared_ptr<const region_directory> directory)
    : region_(std::move(where)), directory_(std::move(directory)) {
    // nop
  }

  /// Whether it is a cache of a runtime, and not empty.
  [[nodiscard]] explicit operator bool() const noexcept {
    return region_ != nullptr;
  }

  /// The name of its region; "" when it is empty.
  [[nodiscard]] const std::string& name() const noexcept {
    return region_ ? region_->name() : detail::no_name();
  }

  /// The same cache at the level of bytes; nullptr when it is empty.
  [[nodiscard]] const std::shared_ptr<region>& bytes_region() const noexcept {
    return region_;
  }

  /// The same cache as an actor, a `region_actor`: takes typed messages of any
  /// actor here or elsewhere. Ends with the runtime: do not keep it longer.
  /// Defined in <troupe/actors/runtime.hpp>.
  [[nodiscard]] auto actor() const;

  // -- reading -----------------------------------------------------------------

  /// The value; absent when the key is, or when its entry has expired.
  maybe<V> get(bytes_view key) const;

  /// One result per key, in order; faster than single reads. `decode_failed` is
  /// the result of a key, other errors are those of the call. `Keys`: a range of
  /// things that convert to `bytes_view`, which may make them as it goes.
  template <key_range Keys>
  expected<std::vector<maybe<V>>> get_many(Keys&& keys) const;

  expected<std::vector<maybe<V>>>
  get_many(std::initializer_list<bytes_view> keys) const {
    return get_many(std::span{keys.begin(), keys.size()});
  }

  /// Whether the key has a live entry. No use of it.
  yes_or_no contains(bytes_view key) const {
    return on_region([&] { return yes_or_no{region_->contains(key)}; });
  }

  /// See `region::ttl`.
  maybe<ttl_duration> ttl(bytes_view key) const {
    return on_region([&] { return maybe<ttl_duration>{region_->ttl(key)}; });
  }

  // -- writing -----------------------------------------------------------------

  /// Stores `value`. No when the condition in `how` did not hold.
  yes_or_no set(bytes_view key, const V& value, const write_options& how = {});

  /// Stores `value` unless the key has a live entry. Errors: `invalid_argument`,
  /// when `how` has the opposite condition.
  yes_or_no set_if_absent(bytes_view key, const V& value,
                          const write_options& how = {});

  /// Removes the entry. No when there was none. No load that began before
  /// stores its result after.
  yes_or_no erase(bytes_view key) {
    return on_region([&] { return yes_or_no{region_->erase(key)}; });
  }

  /// Gives a live entry a new TTL. No when there was none.
  yes_or_no touch(bytes_view key, ttl_duration ttl) {
    return on_region([&] { return yes_or_no{region_->touch(key, ttl)}; });
  }

  /// Adds to the integer under `key`, which counts from 0 when absent, and
  /// returns the sum. Errors: `integer_overflow`, when the sum is no V (nothing
  /// has changed then), `not_an_integer`.
  expected<V> increment(bytes_view key,
                        std::int64_t delta = 1) requires countable<V> {
    return on_region(
             [&] { return region_->increment(key, delta, range_of<V>); })
      .map([](std::int64_t sum) { return static_cast<V>(sum); });
  }

  /// The same for text: counts in std::int64_t.
  expected<std::int64_t> increment(bytes_view key,
                                   std::int64_t delta
                                   = 1) requires std::same_as<V, std::string> {
    return on_region([&] { return region_->increment(key, delta); });
  }

  /// See `region::set_many`. Errors: also `encode_failed`, before anything is
  /// stored.
  expected<void> set_many(std::span<const std::pair<std::string, V>> items,
                          const write_options& how = {});

  /// Removes everything, at once for all who look from now on.
  expected<void> clear() {
    return on_region([&] { return region_->clear(); });
  }

  /// Removes all entries with a tag in the same way.
  expected<void> invalidate_tag(bytes_view name) {
    return on_region([&] { return region_->invalidate_tag(name); });
  }

  /// See `region::set_limits`.
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries) {
    return on_region(
      [&] { return region_->set_limits(max_bytes, max_entries); });
  }

  /// See `region::namespaces`. None when the cache is empty.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const {
    return region_ ? region_->namespaces() : std::vector<namespace_stats>{};
  }

  /// See `region::set_namespace_limits`.
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries) {
    return on_region([&] {
      return region_->set_namespace_limits(prefix, max_bytes, max_entries);
    });
  }

  /// Removes the keys of a namespace; see `region::clear_namespace`.
  expected<void> clear_namespace(bytes_view prefix) {
    return on_region([&] { return region_->clear_namespace(prefix); });
  }

  // -- loading and updating ----------------------------------------------------

  /// The value; when absent, that of one run of a loader for all that ask
  /// meanwhile. `loader` is called on a loader thread, as `loader()`,
  /// `loader(load_context&)`, `loader(key)` or `loader(key, load_context&)`. It
  /// returns V, std::optional<V> (empty: there is no such value, and nothing is
  /// stored), or an `expected` of these. It may still run when this has returned
  /// with a timeout: what it refers to must live on.
  ///
  /// Stored bytes that are no V count as absent (`region_stats::undecodable`).
  /// Errors: `invalid_argument` also for a condition in `how`, which cannot be
  /// asked for here, whether the value is there or not.
  template <class Loader>
  maybe<V> get_or_set(bytes_view key, Loader loader,
                      const write_options& how = {});

  /// Replaces the value by what `f` makes of it, atomically: `f` is called on this
  /// thread, possibly several times, as `f(present)` or `f(key, present)` with an
  /// std::optional<V>. It returns V, std::optional<V> (empty: erase), or an
  /// `expected` of these. Returns the value that was stored; absent when `f` chose
  /// to erase. Stored bytes that are no V count as absent.
  template <class F>
  maybe<V> update(bytes_view key, F f, const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // See `region`. Reads and what needs no waiting are ready at once.

  std::future<maybe<V>> get_async(bytes_view key) const {
    return ready(get(key));
  }

  template <key_range Keys>
  std::future<expected<std::vector<maybe<V>>>>
  get_many_async(Keys&& keys) const {
    return ready(get_many(std::forward<Keys>(keys)));
  }

  std::future<expected<std::vector<maybe<V>>>>
  get_many_async(std::initializer_list<bytes_view> keys) const {
    return ready(get_many(keys));
  }

  std::future<yes_or_no> contains_async(bytes_view key) const {
    return ready(contains(key));
  }

  std::future<maybe<ttl_duration>> ttl_async(bytes_view key) const {
    return ready(ttl(key));
  }

  std::future<yes_or_no> set_async(std::string key, const V& value,
                                   const write_options& how = {});

  std::future<yes_or_no> set_if_absent_async(std::string key, const V& value,
                                             const write_options& how = {});

  std::future<yes_or_no> erase_async(std::string key) {
    if (!region_)
      return ready(yes_or_no{detail::empty_cache()});
    return region_->erase_async<yes_or_no>(std::move(key));
  }

  std::future<yes_or_no> touch_async(std::string key, ttl_duration ttl) {
    if (!region_)
      return ready(yes_or_no{detail::empty_cache()});
    return region_->touch_async<yes_or_no>(std::move(key), ttl);
  }

  std::future<expected<V>> increment_async(std::string key,
                                           std::int64_t delta
                                           = 1) requires countable<V>;

  std::future<expected<std::int64_t>>
  increment_async(std::string key, std::int64_t delta
                                   = 1) requires std::same_as<V, std::string> {
    if (!region_)
      return ready(expected<std::int64_t>{detail::empty_cache()});
    return region_->increment_async(std::move(key), delta);
  }

  std::future<expected<void>> clear_async() {
    return ready(clear());
  }

  template <class Loader>
  std::future<maybe<V>> get_or_set_async(std::string key, Loader loader,
                                         const write_options& how = {});

  /// `f` runs on a loader thread.
  template <class F>
  std::future<maybe<V>> update_async(std::string key, F f,
                                     const write_options& how = {});

private:
  /// What a read before a load finds.
  struct sight {
    maybe<V> value;
    /// Not `no_version`: there is an entry, of this version, but its bytes are no
    /// V, and `value` is the error.
    version_number unreadable = no_version;
  };

  /// A loader as the region wants it, and whether it has run.
  struct encoded_loader {
    bytes_loader function;
    std::shared_ptr<std::atomic<bool>> has_run
      = std::make_shared<std::atomic<bool>>(false);
  };

  struct pending_load;

  template <class T>
  static std::future<T> ready(T result);

  /// The result of `f`, or the error that there is no region.
  template <class F>
  auto on_region(F f) const -> decltype(f()) {
    if (!region_) [[unlikely]]
      return detail::empty_cache();
    return f();
  }

  static sight look(const region& where, bytes_view key);

  template <class Loader>
  static encoded_loader encoding(Loader loader);

  static maybe<V> decode_loaded(const region& where,
                                const std::optional<bytes>& value);

  template <class F>
  static maybe<V> next_value(const region& where, bytes_view key, F& f,
                             std::optional<bytes_view> old);

  static expected<std::optional<bytes>> encode_next(const maybe<V>& next);

  std::shared_ptr<region> region_;
  std::shared_ptr<const region_directory> directory_;
};

// -- implementation ----------------------------------------------------------------

template <class V>
template <class T>
std::future<T> cache<V>::ready(T result) {
  std::promise<T> made;
  made.set_value(std::move(result));
  return made.get_future();
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

template <class V>
template <key_range Keys>
expected<std::vector<maybe<V>>> cache<V>::get_many(Keys&& keys) const {
  if (!region_)
    return detail::empty_cache();
  const key_list list{std::forward<Keys>(keys)};
  std::vector<maybe<V>> result(list.views().size());
  // Whatever else goes wrong concerns all of them.
  expected<void> decoded;
  auto visited = region_->visit_many(
    list.views(), [&](std::size_t i, const entry_view* entry) {
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
  if (!region_)
    return ready(yes_or_no{detail::empty_cache()});
  auto encoded = encode(value);
  if (!encoded)
    return ready(yes_or_no{tl::unexpected{std::move(encoded.error())}});
  return region_->set_async<yes_or_no>(std::move(key), std::move(*encoded),
                                       how);
}

template <class V>
std::future<yes_or_no> cache<V>::set_if_absent_async(std::string key,
                                                     const V& value,
                                                     const write_options& how) {
  if (!region_)
    return ready(yes_or_no{detail::empty_cache()});
  auto encoded = encode(value);
  if (!encoded)
    return ready(yes_or_no{tl::unexpected{std::move(encoded.error())}});
  return region_->set_if_absent_async<yes_or_no>(std::move(key),
                                                 std::move(*encoded), how);
}

template <class V>
std::future<expected<V>>
cache<V>::increment_async(std::string key,
                          std::int64_t delta) requires countable<V> {
  if (!region_)
    return ready(expected<V>{detail::empty_cache()});
  auto made = std::make_shared<std::promise<expected<V>>>();
  auto future = made->get_future();
  region_->increment_then(
    std::move(key), delta, range_of<V>, [made](expected<std::int64_t> sum) {
      made->set_value(
        sum.map([](std::int64_t x) { return static_cast<V>(x); }));
    });
  return future;
}

// -- loading -----------------------------------------------------------------------

template <class V>
typename cache<V>::sight cache<V>::look(const region& where, bytes_view key) {
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

/// Shared, since std::function copies what it holds and a loader may be one that
/// cannot be copied.
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

/// The bytes that a load brought; those that are no V are counted.
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
                              const write_options& how) {
  static_assert(detail::loader_of<Loader, V>,
                "a loader is called as f(), f(load_context&), f(key) or f(key, "
                "load_context&) and returns the cache's value type V, "
                "std::optional<V>, expected<V> or expected<std::optional<V>>");
  if constexpr (detail::loader_of<Loader, V>) {
    if (!region_) [[unlikely]]
      return detail::empty_cache();
    if (auto ok = region_->check_unconditional(how); !ok) [[unlikely]]
      return tl::unexpected{std::move(ok.error())};
    auto seen = look(*region_, key);
    if (seen.unreadable == no_version && !seen.value.absent())
      return std::move(seen.value);
    const auto encoded = encoding(std::move(loader));
    // Another program's bytes that are no V may come in between.
    for (std::uint32_t left = defaults::update_races;; --left) {
      if (seen.unreadable != no_version) {
        auto erased = region_->compare_and_erase(key, seen.unreadable);
        if (!erased)
          return tl::unexpected{std::move(erased.error())};
      }
      auto loaded = region_->get_or_set(key, encoded.function, how);
      if (!loaded)
        return tl::unexpected{std::move(loaded.error())};
      seen.value = decode_loaded(*region_, *loaded);
      if (!(seen.value.error() == errc::decode_failed) || *encoded.has_run
          || left == 0)
        return std::move(seen.value);
      seen = look(*region_, key);
      if (seen.unreadable == no_version && !seen.value.absent())
        return std::move(seen.value);
    }
  }
}

/// The same without waiting, so that it can go on in a shard's turn.
template <class V>
struct cache<V>::pending_load : std::enable_shared_from_this<pending_load> {
  std::shared_ptr<region> where;
  std::string key;
  encoded_loader loader;
  write_options how;
  std::uint32_t left = defaults::update_races;
  std::promise<maybe<V>> made;

  void begin() {
    auto seen = look(*where, key);
    if (seen.unreadable != no_version)
      where->compare_and_erase_then(
        key, seen.unreadable,
        [self = this->shared_from_this()](expected<bool> erased) {
          if (erased)
            self->load();
          else
            self->finish(tl::unexpected{std::move(erased.error())});
        });
    else if (seen.value.absent())
      load();
    else
      finish(std::move(seen.value));
  }

  void load() {
    where->get_or_set_then(
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
    // What the loader captured goes before its result is known.
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
    auto state = std::make_shared<pending_load>();
    state->where = region_;
    state->key = std::move(key);
    state->loader = encoding(std::move(loader));
    state->how = how;
    auto future = state->made.get_future();
    state->begin();
    return future;
  }
}

// -- updating ----------------------------------------------------------------------

/// What `f` makes of the present value; exceptions of `f` are the region's.
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
    // What was stored is what `f` returned last, so it need not be decoded.
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
      std::move(key),
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
