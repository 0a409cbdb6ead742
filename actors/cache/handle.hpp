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
/// Each call names the promises of docs/architecture.md that it keeps: G1 order per key,
/// G2 one load, G3 an invalidation wins, G4 no shared state, G5 no wait for a hit, G6
/// exact bytes, G7 exact expiry. With a provider other than memory, a read may wait for
/// that.
///
/// Results are true as conditions in one case only: `if (cache.get(key))` for a
/// hit, `if (cache.erase(key))` when an entry was erased; see result.hpp.
template <class V>
class cache : public cache_core {
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

  /// The value; absent when the key is, or when its entry has expired.
  /// G4, G5, G7.
  maybe<V> get(bytes_view key) const;

  /// One result per key, in order; faster than single reads. `decode_failed` is
  /// the result of a key, other errors are those of the call. `Keys`: a range of
  /// things that convert to `bytes_view`, which may make them as it goes. G4, G5, G7,
  /// each key on its own.
  template <key_range Keys>
  expected<std::vector<maybe<V>>> get_many(Keys&& keys) const;

  expected<std::vector<maybe<V>>>
  get_many(std::initializer_list<bytes_view> keys) const {
    return get_many(std::span{keys.begin(), keys.size()});
  }

  /// Whether the key has a live entry. No use of it. G5, G7.
  yes_or_no contains(bytes_view key) const {
    return on_region([&] { return yes_or_no{region_->contains(key)}; });
  }

  /// See `region::ttl`. G5, G7.
  maybe<ttl_duration> ttl(bytes_view key) const {
    return on_region([&] { return maybe<ttl_duration>{region_->ttl(key)}; });
  }

  // -- writing -----------------------------------------------------------------

  /// Stores `value`. No when the condition in `how` did not hold. G1, G3, G6.
  yes_or_no set(bytes_view key, const V& value, const write_options& how = {});

  /// Stores `value` unless the key has a live entry. Errors: `invalid_argument`,
  /// when `how` has the opposite condition. G1, G3, G6.
  yes_or_no set_if_absent(bytes_view key, const V& value,
                          const write_options& how = {});

  /// Removes the entry. No when there was none. No load that began before
  /// stores its result after. G1, G3.
  yes_or_no erase(bytes_view key) {
    return on_region([&] { return yes_or_no{region_->erase(key)}; });
  }

  /// Gives a live entry a new TTL. No when there was none. G1, G7.
  yes_or_no touch(bytes_view key, ttl_duration ttl) {
    return on_region([&] { return yes_or_no{region_->touch(key, ttl)}; });
  }

  /// Adds to the integer under `key`, which counts from 0 when absent, and
  /// returns the sum. Errors: `integer_overflow`, when the sum is no V (nothing
  /// has changed then), `not_an_integer`. G1, G3: no increment is lost.
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
  /// stored. G1, G3, G6, each key on its own.
  expected<void> set_many(std::span<const std::pair<std::string, V>> items,
                          const write_options& how = {});

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
  /// asked for here, whether the value is there or not. G2, G3, G4.
  template <class Loader>
  maybe<V> get_or_set(bytes_view key, Loader loader,
                      const write_options& how = {});

  /// Replaces the value by what `f` makes of it, atomically: `f` is called on this
  /// thread, possibly several times, as `f(present)` or `f(key, present)` with an
  /// std::optional<V>. It returns V, std::optional<V> (empty: erase), or an
  /// `expected` of these. Returns the value that was stored; absent when `f` chose
  /// to erase. Stored bytes that are no V count as absent. G1, G3: no concurrent update
  /// is lost.
  template <class F>
  maybe<V> update(bytes_view key, F f, const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // The same results and promises. What is done at once, as when the shard is idle, is
  // ready at once. Errors: also `overloaded`, when the shard's mailbox or the loaders'
  // queue is full. The future of a region that drains becomes ready with
  // `shutting_down`.

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

  /// The future of a call without waiting: `start(region, done)` begins it, with an
  /// `expected` that becomes the result.
  template <class Result, class Value, class Start>
  std::future<Result> begin(Start start) const;

  static sight look(const region& where, const hashed_key& key);

  template <class Loader>
  static encoded_loader encoding(Loader loader);

  static maybe<V> decode_loaded(const region& where,
                                const std::optional<bytes>& value);

  template <class F>
  static maybe<V> next_value(const region& where, bytes_view key, F& f,
                             std::optional<bytes_view> old);

  static expected<std::optional<bytes>> encode_next(const maybe<V>& next);
};

} // namespace troupe
