#pragma once

// What a joint turn is going to store, in the order of its steps, so that it has room
// for all of it or does not begin: a change of several keys is never done in part.
//
// It is an upper bound. Where a step depends on the present entry (SETNX), it covers
// both outcomes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/limits/demand.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

class shard_map;

/// Used inside a joint turn that holds the shards of all its keys, which must outlive
/// the plan. Each call is linear in the number of shards in the plan, and does nothing
/// where no limit could refuse the step.
class turn_plan {
public:
  /// What a step does to the present entry.
  enum class step : std::uint8_t {
    certain, ///< It is replaced.
    depends, ///< It may stay.
  };

  turn_plan() = default;

  /// Ends the reservation.
  ~turn_plan();

  turn_plan(const turn_plan&) = delete;
  turn_plan& operator=(const turn_plan&) = delete;

  /// The value becomes one of up to `size` bytes. `expires`: it may get a deadline.
  /// `block`: the charge of a large value's memory that already exists, or 0.
  /// `options`: those of the write, for its tags and for how long it may be stale;
  /// nullptr: it has no tags, and the region decides. Throws std::bad_alloc.
  void set(shard_map& where, const hashed_key& key, std::size_t size,
           bool expires, step how = step::certain, std::size_t block = 0,
           const write_options* options = nullptr);

  /// `size` bytes are appended to the value.
  void append(shard_map& where, const hashed_key& key, std::size_t size);

  /// The value is written to up to this size, or stays larger.
  void overwrite(shard_map& where, const hashed_key& key, std::size_t size);

  /// The entry may get a deadline.
  void expire(shard_map& where, const hashed_key& key);

  void erase(shard_map& where, const hashed_key& key);

  /// The value of `from` may be put under another key, with its TTL, idle time and
  /// tags.
  void copy(shard_map& source, const hashed_key& from, shard_map& target,
            const hashed_key& to);

  /// The value of `from` is put under another key. When it certainly exists and moves,
  /// it takes no more room than the new key is longer.
  void move(shard_map& where, const hashed_key& from, const hashed_key& to,
            step how = step::certain);

  /// Reserves room for all steps until the plan's end. Errors: `value_too_large`,
  /// `limit_reached`, `shutting_down`, `out_of_memory`; then nothing is reserved.
  expected<void> reserve();

private:
  struct key_plan {
    occupancy now;       ///< After the steps so far.
    bool has_place;      ///< In the index, from before or counted.
    bool exact;          ///< No bound: it is there, with just that.
    bool counted = true; ///< Its shard still counts what it holds.
  };

  struct shard_plan {
    explicit shard_plan(shard& of) noexcept : where(of) {
      // nop
    }

    shard& where;
    demand coming;
    std::unordered_map<bytes_view, key_plan> keys;
    bool reserved = false;
  };

  /// Empty where there is no limit and the key was not asked for.
  struct planned {
    shard_plan* in = nullptr;
    key_plan* key = nullptr;
  };

  [[nodiscard]] planned find(shard_map& where, const hashed_key& key,
                             bool unlimited_too = false);
  [[nodiscard]] static std::size_t tail_bytes(const store_options& usual,
                                              bool expires,
                                              const write_options* options);
  void put(const planned& what, const hashed_key& key, occupancy next, step how,
           std::size_t block);
  [[nodiscard]] static demand::amount held_by(const key_plan& x) noexcept;
  static void take(const planned& what, const occupancy& next,
                   demand::amount before);
  static void leave(key_plan& key) noexcept;
  void admit(const planned& what, std::size_t charge);
  void refuse(error why);

  std::vector<std::unique_ptr<shard_plan>> shards_;
  std::optional<error> refusal_;
};

} // namespace troupe::memory
