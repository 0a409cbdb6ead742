#pragma once

// Requests to the supervisor about actors.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

/// One row of the actor tree.
struct actor_info {
  std::string name;   ///< Path, e.g. "profiles/shard-3"; unique.
  std::string parent; ///< Name of the parent; empty for the root.
  /// "supervisor", "region", "shard", the kind of a service ("load-coordinator",
  /// "topics"), or the kind of a row that a service shows ("topic").
  std::string kind;
  std::string state; ///< "running", "restarting", "failed", "stopped".
  std::uint64_t mailbox_depth = 0; ///< Messages that wait.
  std::uint64_t handled = 0;       ///< Messages and operations handled.
  std::uint64_t restarts = 0;
  std::uint64_t bytes = 0;       ///< Memory it owns.
  std::uint64_t keys = 0;        ///< Entries it owns.
  std::uint64_t subscribers = 0; ///< Subscribers of a topic.
};

fields<&actor_info::name, &actor_info::parent, &actor_info::kind,
       &actor_info::state, &actor_info::mailbox_depth, &actor_info::handled,
       &actor_info::restarts, &actor_info::bytes, &actor_info::keys,
       &actor_info::subscribers>
fields_of(const actor_info&);

struct list_actors_request {
  /// Only actors whose name starts with this text.
  std::string prefix;
};

fields<&list_actors_request::prefix> fields_of(const list_actors_request&);

struct actor_list {
  std::vector<actor_info> actors;
  std::uint64_t omitted = 0; ///< Rows of services beyond those listed.
};

fields<&actor_list::actors, &actor_list::omitted> fields_of(const actor_list&);

/// Ends an actor in the same way as a crash, to rehearse one.
struct kill_request {
  std::string name;
};

fields<&kill_request::name> fields_of(const kill_request&);

/// Starts an actor again that crashed too often and stays down, and resets its count of
/// crashes.
struct restart_request {
  std::string name;
};

fields<&restart_request::name> fields_of(const restart_request&);

struct find_actor_request {
  std::string name; ///< As in `actor_info`.
};

fields<&find_actor_request::name> fields_of(const find_actor_request&);

} // namespace troupe
