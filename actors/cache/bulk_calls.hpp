#pragma once

// The calls of a cache that load several keys with one loader. bulk_loading.hpp defines
// them.

#include <future>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <troupe/actors/cache/key_list.hpp>
#include <troupe/actors/loads/bulk_context.hpp>
#include <troupe/actors/loads/load_terms.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe {

class region;

template <class V>
struct loaded;

/// A base of `cache<V>`, which is `Cache`. Thread-safe.
template <class Cache, class V>
class bulk_calls {
public:
  /// Returns one result per key, in order; a key may occur twice. Values that are there
  /// are read as by `get_many`. For all absent keys that no other call loads, `loader` is
  /// called once:
  ///
  ///   loader(missing) or loader(missing, bulk_context&)
  ///
  /// with the keys as a `const std::vector<std::string>&`, each once, in the order of the
  /// call. It returns one value per key in the same order, as a std::vector of V,
  /// std::optional<V> (empty: the value does not exist), expected<V> or maybe<V>, or a
  /// map from std::string to one of these, in which absent keys have no value; or an
  /// `expected` of that.
  ///
  /// A key that another call loads is joined: the call waits for it when its own loader
  /// has ended and its values are stored. If that load fails, `loader` is called again
  /// with all such keys. Calls with common keys never wait for each other in a circle.
  ///
  /// Each key is loaded on its own: an invalidation of one key keeps the value of that
  /// key from being stored, not the others; a stale value may be the result of one key.
  /// Errors of the call: `invalid_argument`, `key_too_large`, `shutting_down`, and those
  /// of reads, apart from `decode_failed`. All others are the results of single keys:
  /// `load_failed` (an exception, or another number of values, for all keys of the
  /// loader), `load_timeout`, `load_cycle`, `encode_failed`, ...
  ///
  /// Where `loader` runs, and how long it may be used: see `get_or_set`. Keys that need a
  /// load in the background share one call, too. G2, G3, G4.
  template <key_range Keys, class Loader>
  expected<std::vector<maybe<V>>> get_or_set_many(Keys&& keys, Loader loader,
                                                  const write_options& how = {},
                                                  const load_terms& terms = {});

  template <class Loader>
  expected<std::vector<maybe<V>>>
  get_or_set_many(std::initializer_list<bytes_view> keys, Loader loader,
                  const write_options& how = {}, const load_terms& terms = {}) {
    return get_or_set_many(std::span{keys.begin(), keys.size()},
                           std::move(loader), how, terms);
  }

  /// The same; says how each value came about.
  template <key_range Keys, class Loader>
  expected<std::vector<loaded<V>>>
  get_or_load_many(Keys&& keys, Loader loader, const write_options& how = {},
                   const load_terms& terms = {});

  template <class Loader>
  expected<std::vector<loaded<V>>>
  get_or_load_many(std::initializer_list<bytes_view> keys, Loader loader,
                   const write_options& how = {},
                   const load_terms& terms = {}) {
    return get_or_load_many(std::span{keys.begin(), keys.size()},
                            std::move(loader), how, terms);
  }

  /// `get_or_set_many` without waiting for loads: the values that are there are read on
  /// this thread, as by `get_many_async`, and the loader runs on a loader thread.
  template <key_range Keys, class Loader>
  std::future<expected<std::vector<maybe<V>>>>
  get_or_set_many_async(Keys&& keys, Loader loader,
                        const write_options& how = {});

  template <class Loader>
  std::future<expected<std::vector<maybe<V>>>>
  get_or_set_many_async(std::initializer_list<bytes_view> keys, Loader loader,
                        const write_options& how = {}) {
    return get_or_set_many_async(std::span{keys.begin(), keys.size()},
                                 std::move(loader), how);
  }

protected:
  ~bulk_calls() = default;

private:
  [[nodiscard]] const std::shared_ptr<region>& where() const noexcept {
    return static_cast<const Cache&>(*this).bytes_region();
  }
};

} // namespace troupe
