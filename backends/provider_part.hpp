#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/failed_shards.hpp>

namespace troupe {

class lane;

/// The state of the actor around a part.
enum class part_state : std::uint8_t {
  restarting, ///< No actor: operations wait for it.
  running,
  failed,  ///< It crashed too often: operations return `shard_down`.
  stopped, ///< The runtime drained: operations return `shutting_down`.
};

std::string_view to_string(part_state x) noexcept;

/// A part of a provider that is an actor in the tree: in memory, a shard. It outlives
/// the actors around it, which may crash and be replaced. Thread-safe unless a member
/// says otherwise.
class provider_part {
public:
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// The mailbox of its actor.
  [[nodiscard]] virtual lane& mailbox() noexcept = 0;

  [[nodiscard]] virtual part_state state() const noexcept = 0;

  /// The actor is gone; operations wait from now on. Must be called in a task of the
  /// mailbox.
  virtual void down() noexcept = 0;

  /// The actor is in place (again): runs the waiting operations. In a task of the
  /// mailbox.
  virtual void up() noexcept = 0;

  /// The supervisor gave up: waiting and new operations are rejected with `shard_down`.
  /// Readers find the present entries, or none with `failed_shards::absent`.
  virtual void fail(failed_shards how) noexcept = 0;

  /// Announces a new actor after a failure. False when it should remove its entries and
  /// has no memory for that; it stays failed then.
  [[nodiscard]] virtual bool revive() noexcept = 0;

  /// Counts a restart of the actor.
  virtual void restarted() noexcept = 0;

  /// Removes its keys without waiting: `done` is called in the mailbox's turn. Errors:
  /// `shard_down`, `shutting_down`, `overloaded`, `out_of_memory`.
  virtual void clear_then(std::function<void(expected<void>)> done) = 0;

  /// Memory and number of its entries.
  struct contents {
    std::uint64_t bytes = 0;
    std::uint64_t keys = 0;
  };

  [[nodiscard]] virtual contents held() const noexcept = 0;

protected:
  ~provider_part() = default;
};

} // namespace troupe
