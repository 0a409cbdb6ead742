#pragma once

// What the server knows about a command before it runs: a row of a family's table
// (apps/server/commands).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "apps/resp/arguments.hpp"

namespace troupe::memory {

class turn_plan;

} // namespace troupe::memory

namespace troupe::server {

class atomic_section;
struct command_call;

/// Redis's command flags, as COMMAND INFO shows them.
enum class command_flag : std::uint32_t {
  write = 1 << 0,
  readonly = 1 << 1,
  denyoom = 1 << 2,
  admin = 1 << 3,
  noscript = 1 << 4,
  loading = 1 << 5,
  stale = 1 << 6,
  fast = 1 << 7,
  no_auth = 1 << 8,
  allow_busy = 1 << 9,
  skip_slowlog = 1 << 10,
  /// Ours, not shown: runs at once between MULTI and EXEC.
  not_queued = 1 << 11,
  /// Ours, not shown: concerns all keys of the database.
  whole_database = 1 << 12,
  /// Ours, not shown: concerns all keys of all databases.
  all_databases = 1 << 13,
  pubsub = 1 << 14,
  /// Ours, not shown: a subscriber may call it in RESP2, too.
  for_subscribers = 1 << 15,
  no_multi = 1 << 16, ///< Refused between MULTI and EXEC.
  /// Ours, not shown: refused there, too, as it enters shards of its own choice.
  alone = 1 << 17,
};

class command_flags {
public:
  constexpr command_flags() noexcept = default;

  constexpr command_flags(command_flag x) noexcept
    : bits_(static_cast<std::uint32_t>(x)) {
    // nop
  }

  [[nodiscard]] constexpr bool has(command_flag x) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(x)) != 0;
  }

  friend constexpr command_flags operator|(command_flags a,
                                           command_flags b) noexcept {
    a.bits_ |= b.bits_;
    return a;
  }

private:
  std::uint32_t bits_ = 0;
};

constexpr command_flags operator|(command_flag a, command_flag b) noexcept {
  return command_flags{a} | command_flags{b};
}

/// Which words are keys, in Redis's terms; `last` may count from the end.
struct key_positions {
  int first = 0;
  int last = 0;
  int step = 0;
};

/// What a call stores, for a turn that has to have room for all of it.
using planner = void (*)(command_call& call, memory::turn_plan& plan);

struct command {
  /// Lower case; "container|name" for a subcommand.
  std::string_view name;

  /// Number of words, the name (and the container's) included; at least -n of
  /// them when negative.
  int arity;

  command_flags flags;
  key_positions keys;
  std::string_view group;
  std::string_view since;
  std::string_view summary;

  /// Writes exactly one reply, CLIENT REPLY and SHUTDOWN excepted, or leaves that to
  /// `client::unfinished`. May throw std::bad_alloc.
  void (*run)(command_call& call);

  /// When there is one: runs several successive calls of this command at once,
  /// `calls` in all, and returns how many of them, at least one. `call.words`
  /// are those of the first.
  std::size_t (*run_many)(command_call& call,
                          std::span<const resp::arguments> calls)
    = nullptr;

  std::span<const command> subcommands = {};

  /// When there is one: adds the keys that the command concerns and `keys` does
  /// not tell, which may lie in other databases.
  void (*add_more_keys)(command_call& call, atomic_section& section) = nullptr;

  /// When there is one: how much memory the command takes, or gives back.
  planner plan = nullptr;

  [[nodiscard]] constexpr command planned(planner x) const noexcept {
    auto result = *this;
    result.plan = x;
    return result;
  }

  [[nodiscard]] bool accepts(std::size_t words) const noexcept {
    return arity < 0 ? words >= static_cast<std::size_t>(-arity)
                     : words == static_cast<std::size_t>(arity);
  }

  /// How many of so many words are keys, as `keys` tells.
  [[nodiscard]] std::size_t key_count(std::size_t words) const noexcept;

  /// The name without the container's.
  [[nodiscard]] std::string_view own_name() const noexcept {
    return name.substr(name.find('|') + 1);
  }
};

} // namespace troupe::server
