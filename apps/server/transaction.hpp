#pragma once

// What a client has between MULTI and EXEC, and what it watches.

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/bytes.hpp>

#include "apps/resp/parser.hpp"

namespace troupe::server {

struct command;

/// A command that waits for EXEC, with words of its own, in the database that those
/// before it select.
class queued_command {
public:
  queued_command(region& database, const command& what, arguments words);

  [[nodiscard]] region& database() const noexcept {
    return *database_;
  }

  [[nodiscard]] const command& what() const noexcept {
    return *what_;
  }

  [[nodiscard]] arguments words() const noexcept {
    return words_;
  }

private:
  region* database_;
  const command* what_;
  std::vector<char> text_;
  std::vector<bytes_view> words_; ///< Into `text_`, which never changes.
};

/// Not thread-safe: belongs to a client.
class transaction {
public:
  [[nodiscard]] bool active() const noexcept {
    return active_;
  }

  /// MULTI, in this database.
  void begin(region& database) noexcept {
    active_ = true;
    database_ = &database;
  }

  /// A SELECT was queued that will succeed.
  void select(region& database) noexcept {
    database_ = &database;
  }

  /// That of the next command. Only of an active one.
  [[nodiscard]] region& database() const noexcept {
    return *database_;
  }

  /// A command before EXEC was refused, so EXEC will be.
  void spoil() noexcept {
    spoiled_ = active_;
  }

  [[nodiscard]] bool spoiled() const noexcept {
    return spoiled_;
  }

  /// Queues a command; false when the queue would take more than `most` bytes.
  bool queue(const command& what, arguments words, std::size_t most);

  [[nodiscard]] const std::vector<queued_command>& commands() const noexcept {
    return commands_;
  }

  /// Watches a key from its present state on, unless it is watched already.
  /// Errors: those of `region::visit`; `overloaded` (more than `most` watched bytes).
  expected<void> watch(region& where, bytes_view key, std::size_t most);

  /// What the queue and the watched keys take, in bytes.
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

  /// Tells whether no watched key has changed.
  [[nodiscard]] bool watched_unchanged() const;

  /// Forgets everything: DISCARD, EXEC, RESET.
  void end() noexcept;

  /// Takes the queue out and ends.
  [[nodiscard]] std::vector<queued_command> take() noexcept;

private:
  bool active_ = false;
  bool spoiled_ = false;
  region* database_ = nullptr;
  std::size_t bytes_ = 0; ///< Of the queue.
  std::vector<queued_command> commands_;
  std::map<std::pair<region*, bytes>, key_state> watched_;
  std::size_t watched_bytes_ = 0;
};

} // namespace troupe::server
