#pragma once

#include <cstddef>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/calls/command.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe {

class region;

} // namespace troupe

namespace troupe::memory {

class shard_map;

} // namespace troupe::memory

namespace troupe::server {

/// What a running command may use. The number of words is as the command's `arity`
/// requires. Valid only while the command runs, on the client's thread.
struct command_call {
  /// The shards of the database, for joint turns. Databases use the memory provider.
  [[nodiscard]] memory::shard_map& shards() const noexcept;

  /// The first key, `words[1]`, with its hash. Uses the hash of `fetched`, if there is
  /// one.
  [[nodiscard]] hashed_key key() const noexcept {
    return fetched.key.data() != nullptr ? fetched : hashed_key{words[1]};
  }

  /// The keys of the command in its database, in order, with their hashes. Computes
  /// them in the first call only. Throws std::bad_alloc.
  [[nodiscard]] const std::vector<hashed_key>& keys();

  region& db;
  client& self;
  server_state& server;
  thread_counters& counters;
  resp::reply_writer& reply;
  const command& what;
  resp::arguments words;

  /// `words[1]` with its hash, if the hash was computed when memory was fetched ahead.
  /// Otherwise `key.data()` is nullptr.
  hashed_key fetched = {};

  std::vector<hashed_key> hashed = {}; ///< See `keys`.

  /// Numbers of keys that were looked up and found, or not found; see `count_lookups`.
  std::size_t hits = 0;
  std::size_t misses = 0;
};

/// Runs one command. Writes exactly one reply, also when there is no memory, unless the
/// client then has an unfinished command.
void run_command(command_call& call);

/// Replies with an error of the runtime, and removes what the command has written
/// before.
void reply_error(command_call& call, const error& why);

/// Stores a value that the client sent. A large value was received in a `value_buffer`,
/// whose memory becomes the entry's without a copy. Errors: the errors of
/// `region::set`.
expected<bool> store(command_call& call, const hashed_key& key,
                     bytes_view value, const write_options& how = {});

/// Adds to the hits and misses of a call. `settle_lookups` counts them when the call
/// has ended, because a call that has to read again would count twice.
void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept;

/// Ends the call: adds its hits and misses to the counters of the thread.
void settle_lookups(command_call& call) noexcept;

} // namespace troupe::server
