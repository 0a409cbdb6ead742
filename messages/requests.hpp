#pragma once

// What actors say to each other: structs with named fields. Requests are verbs,
// replies carry what was found. Values are encoded bytes; `codec<V>` decodes.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

// -- to a region or a shard ------------------------------------------------------

struct get_request {
  bytes key;
};

struct get_reply {
  bool found = false;
  bytes value;
  version_number version = no_version;
};

struct get_many_request {
  std::vector<bytes> keys;
};

/// One reply per key, in the order of the request.
struct get_many_reply {
  std::vector<get_reply> entries;
};

struct contains_request {
  bytes key;
};

struct ttl_request {
  bytes key;
};

struct ttl_reply {
  bool found = false;
  std::chrono::milliseconds ttl = no_expiry;
};

/// How a message spells `write_options`.
struct write_terms {
  /// Zero: the region's TTL.
  std::chrono::milliseconds ttl{0};
  /// Zero: the region's idle time.
  std::chrono::milliseconds idle{0};
  /// Negative: the region's jitter.
  double jitter = -1.0;
  write_condition condition = write_condition::always;
  bool keep_ttl = false;
  /// By name, as `write_options::tags` means something in one process only.
  std::vector<bytes> tags = {};
};

/// What these terms mean. Terms may come from another machine, so everything is
/// checked: `invalid_argument`.
[[nodiscard]] expected<write_options> options_of(const write_terms& x);

struct set_request {
  bytes key;
  bytes value;
  write_terms how;
};

/// Stores when the version matches; `no_version` asks for absence.
struct compare_and_set_request {
  bytes key;
  version_number version = no_version;
  bytes value;
  write_terms how;
};

/// `version` is `no_version` when nothing was stored.
struct compare_and_set_reply {
  version_number version = no_version;
};

struct erase_request {
  bytes key;
};

struct touch_request {
  bytes key;
  std::chrono::milliseconds ttl = no_expiry;
};

/// The sum is an std::int64_t within the range of the region's values, or else an
/// error: `integer_overflow`, `not_an_integer`.
struct increment_request {
  bytes key;
  std::int64_t delta = 1;
};

struct clear_request {
  /// Message structs need a field; clears everything.
  bool everything = true;
};

// -- to a region only -------------------------------------------------------------

/// Removes all entries with this tag.
struct invalidate_tag_request {
  bytes tag;
};

/// The namespaces of a region.
struct list_namespaces_request {
  /// At most this many rows, in the order of the options.
  std::uint64_t limit = 1000;
};

/// A namespace: its limits, and what it holds and did.
struct namespace_info {
  bytes prefix;
  std::uint64_t keys = 0;
  std::uint64_t charged = 0;     ///< Bytes that count against the limit.
  std::uint64_t max_bytes = 0;   ///< 0: none.
  std::uint64_t max_entries = 0; ///< 0: none.
  std::uint64_t evictions = 0;
  std::uint64_t shards = 0;
  std::string eviction; ///< "s3fifo", "clock" or "none".
};

struct namespace_list {
  std::vector<namespace_info> namespaces;
};

/// Other limits of a namespace; 0: none, but not both.
struct set_namespace_limits_request {
  bytes prefix;
  std::uint64_t max_bytes = 0;
  std::uint64_t max_entries = 0;
};

/// Removes all keys of a namespace.
struct clear_namespace_request {
  bytes prefix;
};

// -- to a region only, from the same process (functions do not travel) -----------

class load_context;

/// `region::get_or_set` as a message.
struct load_request {
  bytes key;
  /// Runs on a loader thread when the key is absent; may throw.
  std::function<expected<std::optional<bytes>>(load_context&)> loader;
  write_terms how;
};

/// `found` is false when the loader found that there is no value.
struct load_reply {
  bool found = false;
  bytes value;
};

/// `region::update` as a message.
struct update_request {
  bytes key;
  /// Runs on a loader thread, possibly several times.
  std::function<expected<std::optional<bytes>>(std::optional<bytes_view>)>
    updater;
  write_terms how;
};

/// `found` is false when the updater chose to erase.
struct update_reply {
  bool found = false;
  bytes value;
};

// -- supervision -----------------------------------------------------------------

/// One row of the actor tree.
struct actor_info {
  std::string name;   ///< Path, e.g. "profiles/shard-3"; unique.
  std::string parent; ///< Name of the parent; empty for the root.
  /// "supervisor", "region", "shard", "load-coordinator"; "topics" and "topic"
  /// for what an application shows of its own.
  std::string kind;
  std::string state; ///< "running", "restarting", "failed", "stopped".
  std::uint64_t mailbox_depth = 0; ///< Messages that wait.
  std::uint64_t handled = 0;       ///< Messages and operations handled.
  std::uint64_t restarts = 0;
  std::uint64_t bytes = 0;       ///< Memory it owns.
  std::uint64_t keys = 0;        ///< Entries it owns.
  std::uint64_t subscribers = 0; ///< Those who hear a topic.
};

struct list_actors_request {
  /// Only actors whose name starts with this.
  std::string prefix;
};

struct actor_list {
  std::vector<actor_info> actors;
  std::uint64_t omitted = 0; ///< Topics beyond those listed.
};

struct runtime_stat_request {
  bool with_regions = true;
};

struct region_info {
  std::string name;
  std::string value_type;
  std::uint64_t shards = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  std::uint64_t handled = 0;
  std::uint64_t restarts = 0;
  std::vector<namespace_info> namespaces = {};
  std::uint64_t undecodable = 0;   ///< Reads that met bytes that are no value.
  std::uint64_t shards_failed = 0; ///< Crashed too often and stay down.

  /// How values are stored: "bytes" (as they are), "integer" (decimal text), or
  /// "encoded" (by the codec of their type).
  std::string encoding = "bytes";

  /// The integers that a value may be, where they are stored as such.
  std::int64_t least_value = 0;
  std::uint64_t most_value = 0;
};

struct runtime_stat {
  std::string version; ///< Of Troupe.
  std::chrono::milliseconds uptime{0};
  std::uint64_t process_id = 0;
  std::uint64_t resident_bytes = 0;   ///< Of the whole process.
  std::uint64_t cpu_milliseconds = 0; ///< User and system time of the process.
  /// Share of one processor that the process had lately; 1000 is all of it.
  std::uint64_t cpu_permille = 0;
  std::chrono::milliseconds cpu_window{0}; ///< How long "lately" is.
  std::uint64_t threads = 0;               ///< Of the whole process.
  std::uint64_t open_files = 0;            ///< Descriptors, sockets included.
  std::uint64_t file_limit = 0;            ///< How many the system allows.
  std::uint64_t actors = 0;
  std::uint64_t loads_in_flight = 0;
  std::uint64_t loader_threads = 0; ///< Started so far.
  std::uint64_t loader_queue = 0;   ///< Jobs that wait for a thread.
  bool draining = false;
  std::vector<region_info> regions;
  std::uint64_t actor_crashes = 0;
  std::uint64_t actor_restarts = 0; ///< After crashes, and by order.
  std::uint64_t actors_failed = 0;  ///< Crashed too often and stay down.
  std::uint64_t shards_failed = 0;  ///< Those of them that are shards.
};

/// Ends an actor as a crash would, to rehearse one.
struct kill_request {
  std::string name;
};

/// Starts an actor again that crashed too often and stays down, as if it had never
/// crashed.
struct restart_request {
  std::string name;
};

/// Finishes what is in flight and stops everything.
struct drain_request {
  std::chrono::milliseconds deadline{0};
};

struct drain_report {
  std::chrono::milliseconds took{0};
  /// What had not ended at the deadline: the first 100 loads and 100 actors by
  /// name, the others as a number ("312 more actors").
  std::vector<std::string> stuck;

  /// Clients that the application served when the drain began, and those of them
  /// that were cut off at the deadline, as they had not taken their replies.
  std::uint64_t clients = 0;
  std::uint64_t clients_cut = 0;
};

/// A load in flight.
struct load_info {
  std::uint64_t id = 0;
  std::string region;
  bytes key;
  std::chrono::milliseconds age{0};
  std::chrono::milliseconds remaining{0}; ///< Until the attempt's deadline.
  std::uint32_t attempt = 1;
  std::uint64_t waiters = 0;
  bool fenced = false; ///< Invalidated: its result will not be stored.
};

struct list_loads_request {
  /// At most this many rows, oldest first.
  std::uint64_t limit = 1000;
};

struct load_list {
  std::vector<load_info> loads;
  std::uint64_t total = 0; ///< Rows without the limit.
};

struct cancel_load_request {
  std::uint64_t id = 0;
};

struct region_info_request {
  /// Empty: "db0", or else the first region by name.
  std::string name;
};

struct find_region_request {
  std::string name;
};

struct find_actor_request {
  std::string name; ///< As in `actor_info`.
};

struct list_nodes_request {
  /// At most this many rows, those known longest first.
  std::uint64_t limit = 1000;
};

/// Another actor system that has asked something.
struct node_info {
  std::string id;      ///< As CAF writes it: a hash, "#", a process number.
  std::string address; ///< "127.0.0.1:41234"; empty while it is not known.
  std::chrono::milliseconds known_for{0}; ///< Since it first asked.
  std::uint64_t requests = 0;
  std::uint64_t actors = 0; ///< Of its actors, those that asked and still are.
};

struct node_list {
  std::string self; ///< Of the system that answers.
  std::vector<node_info> nodes;
  std::uint64_t total = 0; ///< Rows without the limit.
};

} // namespace troupe
