#pragma once

// The commands that a client has queued between MULTI and EXEC, and the keys that it
// watches.

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include <troupe/backends/abilities.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/resp/arguments.hpp"

namespace troupe {

class region;

} // namespace troupe

namespace troupe::server {

struct command;

/// A command that waits for EXEC, with a copy of its words, and the database in which
/// it will run.
class queued_command {
public:
  queued_command(region& database, const command& what, resp::arguments words);

  [[nodiscard]] region& database() const noexcept {
    return *database_;
  }

  [[nodiscard]] const command& what() const noexcept {
    return *what_;
  }

  [[nodiscard]] resp::arguments words() const noexcept {
    return words_;
  }

private:
  region* database_;
  const command* what_;
  std::vector<char> text_;
  std::vector<bytes_view> words_; ///< Into `text_`, which never changes.
};

/// The transaction of a client. Not thread-safe.
class transaction {
public:
  /// Whether MULTI has begun it.
  [[nodiscard]] bool active() const noexcept {
    return active_;
  }

  /// For MULTI: begins a transaction in this database.
  void begin(region& database) noexcept {
    active_ = true;
    database_ = &database;
  }

  /// Sets the database of later commands, after a SELECT that will succeed was queued.
  void select(region& database) noexcept {
    database_ = &database;
  }

  /// The database of the next command. Precondition: the transaction is active.
  [[nodiscard]] region& database() const noexcept {
    return *database_;
  }

  /// Notes that a command was refused, so that EXEC will be refused.
  void spoil() noexcept {
    spoiled_ = active_;
  }

  [[nodiscard]] bool spoiled() const noexcept {
    return spoiled_;
  }

  /// Queues a command. Returns false, and does nothing, when the queue would take more
  /// than `most` bytes. Throws std::bad_alloc.
  bool queue(const command& what, resp::arguments words, std::size_t most);

  [[nodiscard]] const std::vector<queued_command>& commands() const noexcept {
    return commands_;
  }

  /// Watches a key, from its present state on, unless it is watched already. Errors:
  /// the errors of `region::visit`; `overloaded` (more than `most` watched bytes).
  expected<void> watch(region& where, bytes_view key, std::size_t most);

  /// The memory of the queue and of the watched keys, in bytes.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return bytes_ + watched_bytes_;
  }

  void unwatch() noexcept {
    watched_.clear();
    watched_bytes_ = 0;
  }

  /// Calls `f(region&, bytes_view key)` for each watched key.
  template <class F>
  void for_each_watched(F&& f) const {
    for (const auto& [place, state] : watched_)
      f(*place.first, bytes_view{place.second});
  }

  /// Whether no watched key has changed.
  [[nodiscard]] bool watched_unchanged() const;

  /// For DISCARD, EXEC and RESET: drops the queue and the watched keys.
  void end() noexcept;

  /// Ends the transaction, and returns its queue.
  [[nodiscard]] std::vector<queued_command> take() noexcept;

private:
  bool active_ = false;
  bool spoiled_ = false;
  region* database_ = nullptr;
  std::size_t bytes_ = 0; ///< Size of the queue.
  std::vector<queued_command> commands_;
  std::map<std::pair<region*, bytes>, key_state> watched_;
  std::size_t watched_bytes_ = 0;
};

} // namespace troupe::server
