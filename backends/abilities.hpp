#pragma once

// Optional abilities of providers, beyond the contract that all have (provider.hpp). A
// provider returns the interface of an ability, or nullptr when it does not have it. A
// region returns `unsupported` from a call for which its provider has no ability.
//
// All are thread-safe. Errors of all calls: also `shutting_down`, after the provider
// was stopped.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <variant>
#include <vector>

#include <troupe/backends/changes.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe {

class carried_key;
struct explanation;

namespace memory {
class absence;
class shard_map;
} // namespace memory

/// A position in a walk over all keys; 0 is the first position and, when returned, the
/// end. Any number is valid: beyond the last position no key follows. It fits 53 bits.
using scan_cursor = std::uint64_t;

/// Iterates over the keys.
class scan_ability {
public:
  virtual ~scan_ability() = default;

  /// Calls `f(key, entry)` for some live entries from `from` on, and returns the next
  /// position. A walk from 0 to 0 meets every key that is present during the whole walk
  /// at least once. It may miss keys that are added or removed meanwhile, and meet some
  /// keys twice. `f` must be brief. Does not count as a use of the entries.
  virtual expected<scan_cursor>
  scan(scan_cursor from, function_ref<void(bytes_view, const entry_view&)> f)
    = 0;

  /// Returns a live key, each with a probability of the same order of magnitude.
  /// Returns nothing only when a whole walk met no key.
  virtual expected<std::optional<bytes>> random_key(std::minstd_rand& random)
    = 0;
};

/// Limits of the memory and the number of entries.
class limit_ability {
public:
  virtual ~limit_ability() = default;

  /// Limits in bytes and in entries; 0: no limit. See `region_options`.
  [[nodiscard]] virtual std::size_t max_bytes() const noexcept = 0;
  [[nodiscard]] virtual std::size_t max_entries() const noexcept = 0;

  /// Whether a limit of the region, or of its runtime's regions together, may refuse a
  /// value or evict entries.
  [[nodiscard]] virtual bool limited() const noexcept = 0;

  [[nodiscard]] virtual eviction_policy eviction() const noexcept = 0;

  /// Sets the limits. When this returns, the excess has been evicted. Errors:
  /// `invalid_argument` (less than `check` allows for the present number of shards);
  /// nothing has changed then.
  virtual expected<void>
  set_limits(std::size_t max_bytes, std::size_t max_entries) = 0;

  /// Sets the policy, for all keys except those of namespaces with their own.
  virtual expected<void> set_eviction(eviction_policy x) = 0;

  /// Evicts entries that exceed the limits. Of the bytes, also evicts what exceeds the
  /// share `part` (at most 1) of the bytes held.
  virtual expected<void> obey_limits(double part) = 0;
};

/// Groups of keys with their own limits: the namespaces of `region_options`, by their
/// prefixes. Errors of the calls that take a prefix: also `invalid_argument` when no
/// namespace has it.
class namespace_ability {
public:
  virtual ~namespace_ability() = default;

  /// All namespaces, in the order of the options.
  [[nodiscard]] virtual std::vector<namespace_stats> namespaces() const = 0;

  /// Like `limit_ability::set_limits`; the two limits must not both be 0.
  virtual expected<void> set_namespace_limits(bytes_view prefix,
                                              std::size_t max_bytes,
                                              std::size_t max_entries)
    = 0;

  /// Returns the error with which `set_namespace_limits` would always refuse these
  /// limits.
  [[nodiscard]] virtual expected<void>
  check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                         std::size_t max_entries) const = 0;

  /// Sets the namespace's policy; empty: the region's.
  virtual expected<void>
  set_namespace_eviction(bytes_view prefix, std::optional<eviction_policy> x)
    = 0;

  /// Removes the namespace's keys, like `provider::clear`; keys of a longer prefix
  /// stay.
  virtual expected<void> clear_namespace(bytes_view prefix) = 0;
};

/// Reports entries that are removed.
class listener_ability {
public:
  virtual ~listener_ability() = default;

  /// See `region::on_removal`. Errors: `out_of_memory`.
  virtual expected<void>
  on_removal(removal_listener listener, std::size_t limit) = 0;
};

/// The result of a transfer of a value to another key.
enum class transfer_result : std::uint8_t {
  done,
  absent, ///< The source key had no live entry.
  exists, ///< The target key had a live entry.
};

/// The options of a transfer.
struct transfer_terms {
  bool if_absent = false;   ///< Only when the target key has no live entry.
  bool keep_source = false; ///< Copies instead of moving.
};

/// The state of a key that a caller saw, to find out later whether it has changed.
struct key_state {
  version_number version = no_version;            ///< Of the live entry.
  std::shared_ptr<const memory::absence> absence; ///< Without one.
};

class joint_turn_ability;

/// A key of a provider, for calls that concern keys of several providers; borrowed.
struct joint_key {
  joint_turn_ability* where = nullptr; ///< Never nullptr.
  hashed_key key;
};

/// A condition of a joint change: the key's live entry has this version; `no_version`:
/// the key has no live entry.
struct joint_condition {
  joint_key at;
  version_number version = no_version;
};

/// A step of a joint change. Conditions within a set are not allowed.
struct joint_step {
  joint_turn_ability* where = nullptr; ///< Never nullptr.
  std::variant<set_change, erase_change, touch_change> what;
};

/// Changes or reads several keys in one step (memory/turns/joint_turn.hpp). The keys may
/// be of different providers, all of the kind of the one that is called.
class joint_turn_ability {
public:
  virtual ~joint_turn_ability() = default;

  /// Takes the steps in their order, if all conditions hold: readers by `read_together`
  /// see all of them or none. Returns whether the conditions held. Errors: those of the
  /// changes, `limit_reached` when there is no room for all of them, `invalid_argument`
  /// inside of a change or a completion. After an error nothing has changed, except that
  /// after `out_of_memory` the first steps may have been taken. Waits for the turn of all
  /// shards of the keys.
  virtual expected<bool>
  change_together(std::span<const joint_condition> conditions,
                  std::span<const joint_step> steps)
    = 0;

  /// Calls `f` for every key, with nullptr for a miss: the entries of one moment, between
  /// changes of several keys. `f` may be called several times for a key; the last call
  /// counts. Takes no turn, unless changes of several keys keep it from reading. Errors:
  /// `invalid_argument` inside of a change or a completion.
  virtual expected<void>
  read_together(std::span<const joint_key> keys,
                function_ref<void(std::size_t, const entry_view*)> f)
    = 0;

  /// The shards, for joint turns and their plans.
  [[nodiscard]] virtual memory::shard_map& shards() noexcept = 0;

  /// Returns the state of the key, for `unchanged`. Does not count as a use of the
  /// entry. Waits for the shard's turn.
  virtual expected<key_state> watch(const hashed_key& key) = 0;

  /// Whether no entry was stored or removed under the key since `watch`; the present
  /// state may look equal although there were changes.
  virtual expected<bool>
  unchanged(const hashed_key& key, const key_state& since) = 0;

  /// See `region::rename` and `region::copy`.
  virtual expected<transfer_result>
  transfer(const hashed_key& from, joint_turn_ability& target,
           const hashed_key& to, const transfer_terms& terms)
    = 0;
};

/// Reports the charge of each entry.
class charge_ability {
public:
  virtual ~charge_ability() = default;

  /// The bytes that the entry is charged, with key and value; nothing when the key is
  /// absent. Does not count as a use of the entry.
  virtual expected<std::optional<std::size_t>>
  charge(const hashed_key& key) const = 0;
};

/// Says why a key is in the state that it is in, from the recorded events of its key.
class explain_ability {
public:
  virtual ~explain_ability() = default;

  /// Does not count as a use of the entry. In the order of the key's changes. Linear in
  /// `defaults::recorded_events`. Errors: those of a change.
  virtual expected<explanation> explain(const hashed_key& key) = 0;

  /// The same without waiting; see `completion` in provider.hpp.
  virtual void explain_then(carried_key key,
                            std::function<void(expected<explanation>)> done)
    = 0;
};

} // namespace troupe
