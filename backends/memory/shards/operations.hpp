#pragma once

// The operations of a shard as function objects: what a blocking call, an
// asynchronous call and a typed message have in common. `Bytes` is `bytes_view`
// when the caller waits, and `bytes` when the operation travels on its own.
//
// An operation with `leased_key` reads what it changes, so it waits while an
// update holds its key's lease; see shard.hpp.

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/store/parked.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory::operations {

/// A key with its hash.
template <class Bytes>
struct keyed {
  explicit keyed(Bytes x) : key(std::move(x)), hash(hash_key(key)) {
    // nop
  }

  keyed(Bytes x, std::uint64_t known_hash)
    : key(std::move(x)), hash(known_hash) {
    // nop
  }

  operator hashed_key() const noexcept {
    return {key, hash};
  }

  Bytes key;
  std::uint64_t hash;
};

/// What an operation with keys of type `Bytes` holds of its caller's options: the
/// caller's own while it waits, else a copy.
template <class Bytes>
using options_of = std::conditional_t<std::is_same_v<Bytes, bytes_view>,
                                      const write_options&, write_options>;

template <class Bytes>
struct set {
  keyed<Bytes> key;
  Bytes value;
  options_of<Bytes> how;
  /// What the value was gathered in, if that may become its entry.
  value_buffer* gathered = nullptr;

  expected<bool> operator()(store& where) const {
    return where.set(key, value, how, gathered);
  }

  /// Only a conditional set looks before it writes.
  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    if (how.condition == write_condition::always && !how.keep_ttl)
      return std::nullopt;
    return key;
  }
};

template <class Bytes>
struct compare_and_set {
  keyed<Bytes> key;
  version_number version;
  Bytes value;
  options_of<Bytes> how;
  inheritance from_old = inheritance::as_told;

  expected<std::optional<version_number>>
  operator()(store& where) const {
    return where.compare_and_set(key, version, value, how, from_old);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

template <class Bytes>
struct compare_and_erase {
  keyed<Bytes> key;
  version_number version;

  expected<bool> operator()(store& where) const {
    return where.compare_and_erase(key, version);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

template <class Bytes>
struct erase {
  keyed<Bytes> key;

  expected<bool> operator()(store& where) const {
    return where.erase(key);
  }
};

template <class Bytes>
struct touch {
  keyed<Bytes> key;
  ttl_duration ttl;

  expected<bool> operator()(store& where) const {
    return where.touch(key, ttl);
  }
};

template <class Bytes>
struct increment {
  keyed<Bytes> key;
  std::int64_t delta;
  integer_range within;

  expected<std::int64_t> operator()(store& where) const {
    return where.increment(key, delta, within);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

/// `F` is called in the shard's turn; see `store::transform`.
template <class Bytes, class F>
struct transform {
  keyed<Bytes> key;
  F& f;

  expected<void> operator()(store& where) const {
    return where.transform(key, f);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

struct clear {
  expected<void> operator()(store& where) const {
    return where.clear();
  }
};

/// Takes the key's update lease, after whoever holds it.
template <class Bytes>
struct begin_update {
  keyed<Bytes> key;
  std::uint64_t token;

  expected<update_snapshot> operator()(store& where) const {
    return where.begin_update(key, token);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

} // namespace troupe::memory::operations
