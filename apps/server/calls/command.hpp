#pragma once

// The declaration of a command: a row in the table of its family
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

/// Redis's command flags, which COMMAND INFO shows, and flags of Troupe's own, which it
/// does not show.
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
  /// Troupe's: is not queued after MULTI, but runs at once.
  not_queued = 1 << 11,
  /// Troupe's: uses all keys of the database.
  whole_database = 1 << 12,
  /// Troupe's: uses all keys of all databases.
  all_databases = 1 << 13,
  pubsub = 1 << 14,
  /// Troupe's: a subscriber may call it also in RESP2.
  for_subscribers = 1 << 15,
  no_multi = 1 << 16, ///< Refused between MULTI and EXEC.
  /// Troupe's: also refused between MULTI and EXEC, because it enters shards that EXEC
  /// does not hold.
  alone = 1 << 17,
  blocking = 1 << 18, ///< May wait for another client.
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

/// The positions of keys among the words, as in Redis. A negative `last` counts from
/// the end. `first` 0: no keys.
struct key_positions {
  int first = 0;
  int last = 0;
  int step = 0;
};

inline constexpr key_positions one_key{1, 1, 1};
inline constexpr key_positions all_keys{1, -1, 1};

/// Adds the memory that a call takes or frees to the plan of a joint turn, which then
/// makes room for all of its calls.
using planner = void (*)(command_call& call, memory::turn_plan& plan);

struct command {
  /// Lower case; "container|name" for a subcommand.
  std::string_view name;

  /// The number of words, including the name (and the container's name). A negative
  /// number -n means at least n words.
  int arity;

  command_flags flags;
  key_positions keys;
  std::string_view group;
  std::string_view since;
  std::string_view summary;

  /// Runs the command: writes exactly one reply, or leaves the rest of the work as
  /// `client::unfinished`, which then replies. Only CLIENT REPLY and SHUTDOWN may write
  /// no reply. May throw std::bad_alloc.
  void (*run)(command_call& call);

  /// Runs successive calls of this command together. `calls` are the words of the
  /// calls; `call.words` are the words of the first. Returns how many calls it ran, at
  /// least one. Empty: the calls run one by one.
  std::size_t (*run_many)(command_call& call,
                          std::span<const resp::arguments> calls)
    = nullptr;

  std::span<const command> subcommands = {};

  /// Adds the keys that the command uses beyond `keys`, also in other databases. Empty:
  /// there are no such keys.
  void (*add_more_keys)(command_call& call, atomic_section& section) = nullptr;

  /// Empty: no room is reserved for the command.
  planner plan = nullptr;

  /// A copy of this row with a planner.
  [[nodiscard]] constexpr command planned(planner x) const noexcept {
    auto result = *this;
    result.plan = x;
    return result;
  }

  /// Whether a call may have this number of words.
  [[nodiscard]] bool accepts(std::size_t words) const noexcept {
    return arity < 0 ? words >= static_cast<std::size_t>(-arity)
                     : words == static_cast<std::size_t>(arity);
  }

  /// The number of keys, by `keys`, in a call with this number of words.
  [[nodiscard]] std::size_t key_count(std::size_t words) const noexcept;

  /// The name without the container's.
  [[nodiscard]] std::string_view own_name() const noexcept {
    return name.substr(name.find('|') + 1);
  }
};

} // namespace troupe::server
