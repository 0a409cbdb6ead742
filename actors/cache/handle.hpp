#pragma once

// The handle that users hold: a region and the codec of its value type.

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

#include <troupe/actors/cache/bulk_calls.hpp>
#include <troupe/actors/cache/function_shapes.hpp>
#include <troupe/actors/cache/cache_core.hpp>
#include <troupe/actors/cache/key_list.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/regions/value_type.hpp>
#include <troupe/messages/codec.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe {

/// A value of `cache::get_or_load`, and how it came about.
template <class V>
struct loaded {
  maybe<V> value;
  load_origin origin = load_origin::loaded;
  stale_reason why_stale = stale_reason::none;

  /// The value was not stored: the key was invalidated meanwhile, or the loader took too
  /// long.
  bool fenced = false;
};

/// A typed cache: cheap to copy, thread-safe. It may outlive the runtime; its
/// operations then return `shutting_down`. A default-constructed cache is empty: every
/// operation returns `invalid_argument`.
///
/// Every operation returns the errors of `region`, and also `encode_failed` and
/// `decode_failed` (the stored bytes are not a V). An exception of a loader, an update
/// function or a codec becomes an error of the call; it never reaches a shard.
///
/// A read decodes the entry in place. Until the codec returns, memory that writers free
/// stays allocated: a codec must not wait for anything.
///
/// Each call names the promises of docs/architecture.md that it keeps: G1 order per
/// key, G2 one load, G3 an invalidation wins, G4 no shared state, G5 no wait for a hit,
/// G6 exact bytes, G7 exact expiry. With a provider other than memory, a read may wait
/// for that provider.
///
/// A result converts to true in one case only: `if (cache.get(key))` for a hit,
/// `if (cache.erase(key))` when an entry was erased; see result.hpp.
template <class V>
class cache : public cache_core, public bulk_calls<cache<V>, V> {
public:
  using value_type = V;

  /// Empty.
  cache() = default;

  /// Use `runtime::open`.
  cache(std::shared_ptr<region> where,
        std::shared_ptr<const region_directory> directory)
    : cache_core(std::move(where), std::move(directory)) {
    // nop
  }

  // -- reading -----------------------------------------------------------------

  /// Returns the value; absent when the key is absent or its entry has expired. G4, G5,
  /// G7.
  maybe<V> get(bytes_view key) const;

  /// Returns one result per key, in order; faster than single reads. `decode_failed` is
  /// the result of one key; every other error is the result of the call. `Keys`: a
  /// range whose elements convert to `bytes_view`; it may make them during iteration.
  /// Each key is read on its own. G4, G5, G7.
  template <key_range Keys>
  expected<std::vector<maybe<V>>> get_many(Keys&& keys) const;

  expected<std::vector<maybe<V>>>
  get_many(std::initializer_list<bytes_view> keys) const {
    return get_many(std::span{keys.begin(), keys.size()});
  }

  /// The same with the values of one moment: of a transaction
  /// (<troupe/actors/regions/transaction.hpp>) it sees all changes or none. Errors: also
  /// `unsupported`. G4, G7; in memory it waits only while transactions are in the way.
  template <key_range Keys>
  expected<std::vector<maybe<V>>> get_together(Keys&& keys) const;

  expected<std::vector<maybe<V>>>
  get_together(std::initializer_list<bytes_view> keys) const {
    return get_together(std::span{keys.begin(), keys.size()});
  }

  /// Whether the key has a live entry. Does not count as a use of the entry. G5, G7.
  yes_or_no contains(bytes_view key) const {
    return on_region([&] { return yes_or_no{region_->contains(key)}; });
  }

  /// See `region::ttl`. G5, G7.
  maybe<ttl_duration> ttl(bytes_view key) const {
    return on_region([&] { return maybe<ttl_duration>{region_->ttl(key)}; });
  }

  // -- writing -----------------------------------------------------------------

  /// Stores `value`. No when the condition in `how` does not hold. G1, G3, G6.
  yes_or_no set(bytes_view key, const V& value, const write_options& how = {});

  /// Stores `value` unless the key has a live entry. Errors: `invalid_argument` when
  /// `how` has the opposite condition. G1, G3, G6.
  yes_or_no set_if_absent(bytes_view key, const V& value,
                          const write_options& how = {});

  /// Removes the entry. No when there was none. A load that began before the call does
  /// not store its result after it. G1, G3.
  yes_or_no erase(bytes_view key) {
    return on_region([&] { return yes_or_no{region_->erase(key)}; });
  }

  /// Gives a live entry a new TTL. No when there is no live entry. G1, G7.
  yes_or_no touch(bytes_view key, ttl_duration ttl) {
    return on_region([&] { return yes_or_no{region_->touch(key, ttl)}; });
  }

  /// Adds `delta` to the integer under `key` (0 when absent) and returns the sum.
  /// Errors: `integer_overflow` when V cannot hold the sum, `not_an_integer`; the entry
  /// is unchanged then. No increment is lost. G1, G3.
  expected<V> increment(bytes_view key,
                        std::int64_t delta = 1) requires countable<V> {
    return on_region(
             [&] { return region_->increment(key, delta, range_of<V>); })
      .map([](std::int64_t sum) { return static_cast<V>(sum); });
  }

  /// The same for text: the integer is an std::int64_t.
  expected<std::int64_t> increment(bytes_view key,
                                   std::int64_t delta
                                   = 1) requires std::same_as<V, std::string> {
    return on_region([&] { return region_->increment(key, delta); });
  }

  /// See `region::set_many`. Errors: also `encode_failed`; nothing is stored then. Each
  /// key is stored on its own. G1, G3, G6.
  expected<void> set_many(std::span<const std::pair<std::string, V>> items,
                          const write_options& how = {});

  // -- loading and updating; several keys with one loader: bulk_calls.hpp ------------
  /// Returns the value. When it is absent, one loader runs and all callers that ask
  /// meanwhile get its result. `loader` is called as `loader()`, `loader(load_context&)`,
  /// `loader(key)` or `loader(key, load_context&)`. It returns V, std::optional<V>
  /// (empty: the value does not exist, nothing is stored), or an `expected` of these.
  ///
  /// A loader that has no thread while it waits is called as
  /// `loader(std::shared_ptr<load_context>, std::function<void(maybe<V>)>)`; see
  /// `deferred_loader`, and `load_by_actor` for one that asks an actor.
  ///
  /// By default `loader` runs on this thread, and this call does not return before it.
  /// With `load_on::pool` it runs on a loader thread, and may still run after this call
  /// returned an error (`load_timeout`). In a region with `stale_while_revalidate` or
  /// `refresh_ahead` it may run there later, too. What it refers to must outlive it then.
  ///
  /// Stored bytes that are not a V count as absent (`region_stats::undecodable`).
  /// Errors: also `invalid_argument` when `how` has a condition, whether the value is
  /// present or not. G2, G3, G4.
  template <class Loader>
  maybe<V> get_or_set(bytes_view key, Loader loader,
                      const write_options& how = {},
                      const load_terms& terms = {});

  /// The same; says how the value came about.
  template <class Loader>
  loaded<V> get_or_load(bytes_view key, Loader loader,
                        const write_options& how = {},
                        const load_terms& terms = {});

  /// Replaces the value by the result of `f`, atomically. `f` is called on this thread,
  /// possibly several times, as `f(present)` or `f(key, present)` with an
  /// std::optional<V>. It returns V, std::optional<V> (empty: erase), or an `expected`
  /// of these. Returns the stored value; absent when `f` chose to erase. Stored bytes
  /// that are not a V count as absent. No concurrent update is lost. G1, G3.
  template <class F>
  maybe<V> update(bytes_view key, F f, const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // Results and promises are those of the waiting calls. An operation that completes at
  // once, for example because the shard is idle, returns a ready future. Errors: also
  // `overloaded`, when the shard's mailbox or the loaders' queue is full. When the
  // region shuts down, the future becomes ready with `shutting_down`.

  std::future<maybe<V>> get_async(std::string key) const;

  template <key_range Keys>
  std::future<expected<std::vector<maybe<V>>>>
  get_many_async(Keys&& keys) const {
    return ready(get_many(std::forward<Keys>(keys)));
  }

  std::future<expected<std::vector<maybe<V>>>>
  get_many_async(std::initializer_list<bytes_view> keys) const {
    return ready(get_many(keys));
  }

  std::future<yes_or_no> contains_async(std::string key) const;
  std::future<maybe<ttl_duration>> ttl_async(std::string key) const;
  std::future<yes_or_no> set_async(std::string key, const V& value,
                                   const write_options& how = {});
  std::future<yes_or_no> set_if_absent_async(std::string key, const V& value,
                                             const write_options& how = {});
  std::future<yes_or_no> erase_async(std::string key);
  std::future<yes_or_no> touch_async(std::string key, ttl_duration ttl);

  std::future<expected<V>> increment_async(std::string key,
                                           std::int64_t delta
                                           = 1) requires countable<V>;

  std::future<expected<std::int64_t>>
  increment_async(std::string key,
                  std::int64_t delta = 1) requires std::same_as<V, std::string>;

  std::future<expected<void>> clear_async() {
    return ready(clear());
  }

  /// The loader runs on the pool.
  template <class Loader>
  std::future<maybe<V>> get_or_set_async(std::string key, Loader loader,
                                         const write_options& how = {},
                                         const load_terms& terms = {});

  /// `f` runs on a loader thread.
  template <class F>
  std::future<maybe<V>> update_async(std::string key, F f,
                                     const write_options& how = {});

private:
  template <class Visit>
  expected<std::vector<maybe<V>>> read_list(std::size_t size,
                                            Visit visit) const;

  /// The result of the read before a load.
  struct sight {
    maybe<V> value;
    /// Not `no_version`: there is an entry of this version, its bytes are not a V, and
    /// `value` is the error.
    version_number unreadable = no_version;
  };

  /// The user's loader in the form that the region takes, and whether it has run.
  struct encoded_loader {
    load_function function;
    std::shared_ptr<std::atomic<bool>> has_run;
  };

  struct pending_load;

  template <class T>
  static std::future<T> ready(T result);

  /// The future of an asynchronous call. `start(region, done)` begins the operation;
  /// `done` receives an `expected` that becomes the result.
  template <class Result, class Value, class Start>
  std::future<Result> begin(Start start) const;

  static sight look(const region& where, const hashed_key& key);

  template <class Loader>
  static encoded_loader encoding(Loader loader);

  loaded<V> load_usable(const hashed_key& key, const encoded_loader& loader,
                        const write_options& how, const load_terms& terms);
  static loaded<V> of_answer(const region& where, load_answer answer);

  static maybe<V> decode_loaded(const region& where,
                                const std::optional<bytes>& value);
  static maybe<V> decode_loaded(const region& where,
                                std::optional<bytes>&& value);

  template <class F>
  static maybe<V> next_value(const region& where, bytes_view key, F& f,
                             std::optional<bytes_view> old);

  static expected<std::optional<bytes>> encode_next(const maybe<V>& next);
  static expected<std::optional<bytes>> encode_next(maybe<V>&& next);
};

} // namespace troupe
