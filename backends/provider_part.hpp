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

/// Whether the actor around a part is there.
enum class part_state : std::uint8_t {
  restarting, ///< No actor: operations wait for it.
  running,
  failed,  ///< It crashed too often: operations answer `shard_down`.
  stopped, ///< The runtime drained: operations answer `shutting_down`.
};

std::string_view to_string(part_state x) noexcept;

/// A part of a provider that is an actor in the tree: of memory, a shard. It lives longer
/// than the actors around it, which may crash and be replaced. Thread-safe unless a
/// member says otherwise.
class provider_part {
public:
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// That of its actor.
  [[nodiscard]] virtual lane& mailbox() noexcept = 0;

  [[nodiscard]] virtual part_state state() const noexcept = 0;

  /// The actor is gone; operations wait from now on. Call it in a task of the mailbox.
  virtual void down() noexcept = 0;

  /// The actor is (back) in place: runs what waited. In a task of the mailbox.
  virtual void up() noexcept = 0;

  /// The supervisor gave up: everything that waits or comes is rejected with
  /// `shard_down`. Readers find what there is, or with `failed_shards::absent` nothing.
  virtual void fail(failed_shards how) noexcept = 0;

  /// An actor is about to come after all. False when it was to remove what it holds and
  /// has no memory for that; it stays failed then.
  [[nodiscard]] virtual bool revive() noexcept = 0;

  /// Counts a restart of the actor.
  virtual void restarted() noexcept = 0;

  /// Removes its keys, without waiting: `done` is called in the mailbox's turn. Errors:
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
