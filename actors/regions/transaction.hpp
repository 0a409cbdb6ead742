#pragma once

// Changes of several keys as one step, also of several regions:
//
//   transaction move;
//   move.require(accounts, "alice", seen.version).set(accounts, "alice", 70)
//     .set(accounts, "bob", 130).erase(orders, "7");
//   if (*move.commit()) ...
//
// Readers that call `cache::get_together` or `read_together` see all of the changes or
// none. Other reads take each key on its own, and may see some keys before the change and
// others after it.

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// Defined in <troupe/messages/codec.hpp>, which callers with a cache have included.
template <class V>
[[nodiscard]] expected<bytes> encode(const V& x);

/// `cache<V>`.
template <class T>
concept cache_handle = requires(const T& x) {
  typename T::value_type;
  { x.bytes_region() } -> std::convertible_to<std::shared_ptr<region>>;
};

/// A list of changes that `commit` makes as one step. It keeps its regions alive. Not
/// thread-safe; transactions of different threads may be committed at the same time.
/// Its calls throw std::bad_alloc.
///
/// A step that cannot be taken (a key that is too large, an empty cache) makes `commit`
/// return that error.
class transaction {
public:
  transaction() = default;

  /// The key's entry must have this version (`entry_view::version`), or with `no_version`
  /// the key must be absent.
  transaction& require(region& where, bytes_view key, version_number version);

  /// Stores a value. Errors of `commit`: those of `region::set`, and `invalid_argument`
  /// for a condition in `how`; use `require`.
  transaction& set(region& where, bytes_view key, bytes value,
                   write_options how = {});

  transaction& erase(region& where, bytes_view key);

  /// Gives the entry, if there is one, another TTL.
  transaction& touch(region& where, bytes_view key, ttl_duration ttl);

  // -- the same for typed caches -----------------------------------------------------

  template <cache_handle Cache>
  transaction& require(const Cache& where, bytes_view key,
                       version_number version) {
    return with(where, [&](region& x) { require(x, key, version); });
  }

  /// Errors of `commit`: also `encode_failed`.
  template <cache_handle Cache>
  transaction& set(const Cache& where, bytes_view key,
                   const typename Cache::value_type& value,
                   write_options how = {}) {
    return with(where, [&](region& x) {
      auto encoded = encode<typename Cache::value_type>(value);
      if (encoded)
        set(x, key, std::move(*encoded), std::move(how));
      else
        refuse(std::move(encoded.error()));
    });
  }

  template <cache_handle Cache>
  transaction& erase(const Cache& where, bytes_view key) {
    return with(where, [&](region& x) { erase(x, key); });
  }

  template <cache_handle Cache>
  transaction& touch(const Cache& where, bytes_view key, ttl_duration ttl) {
    return with(where, [&](region& x) { touch(x, key, ttl); });
  }

  /// Takes the steps in their order, if all requirements are met. Returns whether they
  /// were met; nothing has changed otherwise. May be called again.
  ///
  /// Errors:
  ///   those of the steps;
  ///   `limit_reached`: there is no room for all steps. An erase gives room only to later
  ///     steps of its shard;
  ///   `unsupported`: a region's provider cannot change several keys at once, or the
  ///     regions have providers of different kinds;
  ///   `invalid_argument`: called inside the function of a `transform`, or a completion;
  ///   `timeout`, `shard_down`, `shutting_down`.
  /// After an error nothing has changed, except that after `out_of_memory` the first
  /// steps may have been taken. Waits for the turn of the shards of all keys. Complexity:
  /// n log n in the steps.
  [[nodiscard]] expected<bool> commit() const;

  [[nodiscard]] bool empty() const noexcept {
    return steps_.empty() && !refusal_;
  }

private:
  enum class action : std::uint8_t { require, set, erase, touch };

  struct step {
    action what;
    std::shared_ptr<region> where;
    carried_key key;
    bytes value = {};
    write_options how = {};
    ttl_duration ttl = no_expiry;
    version_number version = no_version;
  };

  template <cache_handle Cache, class F>
  transaction& with(const Cache& where, F add) {
    if (const auto& x = where.bytes_region(); x != nullptr)
      add(*x);
    else
      refuse_empty_cache();
    return *this;
  }

  transaction& add(step x, expected<void> checked);
  void refuse(error why);
  void refuse_empty_cache();

  std::vector<step> steps_;
  std::optional<error> refusal_; ///< The first one.
};

/// A key of a region; borrowed.
struct region_key {
  region* where = nullptr; ///< Never nullptr.
  bytes_view key;
};

/// The entries of several keys, of one region or several, at one moment between
/// transactions; nothing for a key that is absent. Errors: `key_too_large`,
/// `shutting_down`, `out_of_memory`, `unsupported`. While transactions keep it from
/// reading, it waits for the turn of the shards of all keys.
[[nodiscard]] expected<std::vector<std::optional<entry_copy>>>
read_together(std::span<const region_key> keys);

} // namespace troupe
