#pragma once

// The commands of the console: a struct for each, and the text that explains it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/console/text/words.hpp"

namespace troupe::console {

struct help_command {
  std::string topic; ///< A command; empty: all of them.
};

struct ls_command {
  bool all = false; ///< Shards one by one.
  std::string prefix;
};

struct stat_command {};

struct metrics_command {
  std::string prefix; ///< Of names.
};

struct top_command {
  std::chrono::milliseconds interval{2'000};
  std::size_t frames = 0; ///< 0: until the user stops it.
};

struct use_command {
  std::string region;
};

struct get_command {
  bytes key;
};

struct set_command {
  bytes key;
  bytes value;
  std::optional<ttl_duration> ttl; ///< Empty: the region's.
};

struct del_command {
  std::vector<bytes> keys;
};

struct clear_command {
  std::string region; ///< Empty: the chosen one; so in the commands below.
};

struct invalidate_command {
  bytes tag;
  std::string region;
};

struct explain_command {
  bytes key;
  std::string region;
};

struct regions_command {};

struct ttl_command {
  bytes key;
};

struct loads_command {};
struct breakers_command {};

struct cancel_command {
  std::uint64_t load = 0;
};

struct kill_command {
  std::string actor;
};

struct restart_command {
  std::string actor;
};

struct drain_command {
  std::chrono::milliseconds deadline = defaults::drain_deadline;
};

struct nodes_command {};

struct send_command {
  std::string actor;
  std::string message; ///< Empty: lists what the actor accepts.
  std::vector<std::string> words;
};

struct quit_command {};

using command = std::variant<
  help_command, ls_command, stat_command, metrics_command, top_command,
  use_command, get_command, set_command, del_command, clear_command,
  invalidate_command, explain_command, regions_command, ttl_command,
  loads_command, breakers_command, cancel_command, kill_command,
  restart_command, drain_command, nodes_command, send_command, quit_command>;

/// How a command is explained.
struct manual {
  std::string_view name;
  std::string_view arguments; ///< For the usage: "KEY VALUE [TTL]".
  std::string_view title;     ///< What it does, in a line.
  std::string_view text;      ///< The rest; may be empty. Whole lines.

  /// "set KEY VALUE [TTL]".
  [[nodiscard]] std::string usage() const;
};

/// The manuals of all commands.
[[nodiscard]] const std::vector<manual>& manuals();

/// The manual of a command, or nullptr.
[[nodiscard]] const manual* find_manual(std::string_view name);

/// The names of all commands.
[[nodiscard]] std::vector<std::string> command_names();

/// Reads one command; `words` is not empty.
/// Errors: `invalid_argument`, with a suggestion or the usage.
[[nodiscard]] expected<command> parse_command(const word_list& words);

/// Reads all commands of a line. Errors: see `split` and `parse_command`.
[[nodiscard]] expected<std::vector<command>> parse_line(std::string_view line);

} // namespace troupe::console
