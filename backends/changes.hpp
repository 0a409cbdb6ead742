#pragma once

// The changes of one key as data, so that any provider (provider.hpp) can queue, send
// and apply them. `result` is the type that a change returns.

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace memory {
class value_buffer;
} // namespace memory

/// What a replaced entry passes on to its successor.
enum class inheritance : std::uint8_t {
  as_told, ///< Nothing, or what `keep_ttl` asks for.
  rest,    ///< Deadline, idle time and tags, unless the write sets its own.
};

// Keys, values and options are borrowed; `carried` owns them. The region has checked
// that they are within its limits.

/// Stores a value. False when the condition does not hold.
struct set_change {
  using result = bool;

  hashed_key key;
  bytes_view value;
  const write_options* how = nullptr; ///< Never nullptr.

  /// The buffer of the value, if it may become the entry's memory. A provider that
  /// keeps values elsewhere copies from `value`.
  memory::value_buffer* gathered = nullptr;
};

/// Stores when the live entry's version is `version`; `no_version`: when there is no
/// live entry. Returns the new version, or nothing.
struct compare_and_set_change {
  using result = std::optional<version_number>;

  hashed_key key;
  version_number version = no_version;
  bytes_view value;
  const write_options* how = nullptr; ///< Never nullptr.
  inheritance from_old = inheritance::as_told;
};

/// Removes the entry; voids the leases of loads also when there is none. Returns
/// whether there was a live entry.
struct erase_change {
  using result = bool;

  hashed_key key;
};

/// Removes the entry when its version is `version`; returns whether it matched.
struct compare_and_erase_change {
  using result = bool;

  hashed_key key;
  version_number version = no_version;
};

/// Gives a live entry a new TTL, exactly; returns whether there was a live entry.
struct touch_change {
  using result = bool;

  hashed_key key;
  ttl_duration ttl = no_expiry;
};

/// Adds to the decimal integer under the key (0 when absent). Returns the sum's 64
/// bits, as a std::uint64_t when the range exceeds std::int64_t. Errors:
/// `not_an_integer`, `integer_overflow` (outside of `within`).
struct increment_change {
  using result = std::int64_t;

  hashed_key key;
  std::int64_t delta = 1;
  integer_range within = {};
};

using key_change
  = std::variant<set_change, compare_and_set_change, erase_change,
                 compare_and_erase_change, touch_change, increment_change>;

/// The results of all kinds of changes. The alternatives are of different kinds, though
/// two may have the same type.
struct change_result {
  bool changed = false; ///< For changes that return bool.
  std::optional<version_number> version
    = std::nullopt;        ///< Of a compare-and-set.
  std::int64_t number = 0; ///< Of an increment.

  change_result() = default;

  explicit change_result(bool x) noexcept : changed(x) {
    // nop
  }

  explicit change_result(std::optional<version_number> x) noexcept
    : changed(x.has_value()), version(x) {
    // nop
  }

  explicit change_result(std::int64_t x) noexcept : changed(true), number(x) {
    // nop
  }

  /// The result in the type that the change returns.
  template <class Result>
  [[nodiscard]] Result as() const noexcept {
    if constexpr (std::is_same_v<Result, bool>)
      return changed;
    else if constexpr (std::is_same_v<Result, std::int64_t>)
      return number;
    else
      return version;
  }
};

/// The key, if the change depends on its present entry: such a change waits while an
/// update holds the key's lease.
template <class Change>
[[nodiscard]] std::optional<hashed_key>
key_that_is_read(const Change& x) noexcept {
  if constexpr (std::is_same_v<Change, set_change>) {
    // Only a conditional set, or one with `keep_ttl`, reads before it writes.
    if (x.how->condition == write_condition::always && !x.how->keep_ttl)
      return std::nullopt;
    return x.key;
  } else if constexpr (
    std::is_same_v<Change,
                   erase_change> || std::is_same_v<Change, touch_change>) {
    return std::nullopt;
  } else {
    return x.key;
  }
}

/// A key with its hash that owns its bytes.
class carried_key {
public:
  explicit carried_key(bytes x) : key_(std::move(x)), hash_(hash_key(key_)) {
    // nop
  }

  carried_key(bytes x, std::uint64_t known) : key_(std::move(x)), hash_(known) {
    // nop
  }

  explicit carried_key(const hashed_key& x) : key_(x.key), hash_(x.hash) {
    // nop
  }

  /// Valid as long as this object stays where it is.
  operator hashed_key() const noexcept {
    return {key_, hash_};
  }

  [[nodiscard]] const bytes& key() const noexcept {
    return key_;
  }

  [[nodiscard]] std::uint64_t hash() const noexcept {
    return hash_;
  }

private:
  bytes key_;
  std::uint64_t hash_;
};

/// A change that owns its parts, so that it can outlive the call that made it.
template <class Change>
class carried {
public:
  using result = typename Change::result;

  /// `key`, `value` and `options` of `what` are taken from the other arguments.
  carried(carried_key key, Change what) : key_(std::move(key)), change_(what) {
    // nop
  }

  carried(carried_key key, Change what, bytes value, write_options how)
    : key_(std::move(key)),
      value_{std::move(value), std::move(how)},
      change_(what) {
    // nop
  }

  /// The change itself, valid as long as this object stays where it is.
  [[nodiscard]] Change view() const noexcept {
    auto x = change_;
    x.key = key_;
    if constexpr (has_value) {
      x.value = value_.bytes;
      x.how = &value_.how;
    }
    return x;
  }

private:
  static constexpr bool has_value = requires(Change x) {
    x.value;
  };

  struct stored_value {
    troupe::bytes bytes;
    write_options how;
  };

  struct nothing {};

  carried_key key_;
  [[no_unique_address]] std::conditional_t<has_value, stored_value, nothing>
    value_;
  Change change_;
};

using carried_change
  = std::variant<carried<set_change>, carried<compare_and_set_change>,
                 carried<erase_change>, carried<compare_and_erase_change>,
                 carried<touch_change>, carried<increment_change>>;

} // namespace troupe
