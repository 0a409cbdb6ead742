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

/// What a running command may use. `words` has the arity the table asks for.
struct command_call {
  /// For joint turns, which databases take part in: they are in memory.
  [[nodiscard]] memory::shard_map& shards() const noexcept;

  /// The first key, `words[1]`, with its hash, which no command computes twice.
  [[nodiscard]] hashed_key key() const noexcept {
    return fetched.key.data() != nullptr ? fetched : hashed_key{words[1]};
  }

  /// All keys of the command that belong to its database, in order, with their hashes,
  /// which are computed once. Throws std::bad_alloc.
  [[nodiscard]] const std::vector<hashed_key>& keys();

  region& db;
  client& self;
  server_state& server;
  thread_counters& counters;
  resp::reply_writer& reply;
  const command& what;
  resp::arguments words;

  /// `words[1]` with its hash, if that was computed when memory was fetched ahead; its key
  /// is nullptr else.
  hashed_key fetched = {};

  std::vector<hashed_key> hashed = {}; ///< See `keys`.

  /// Keys that were asked for and were there, or not; see `count_lookups`.
  std::size_t hits = 0;
  std::size_t misses = 0;
};

/// Runs one command and replies exactly once, whatever happens, unless the client has
/// an unfinished command then.
void run_command(command_call& call);

/// Replies with an error of the runtime, in place of anything written before.
void reply_error(command_call& call, const error& why);

/// Stores a value that the client sent. A large one has been gathered in memory that
/// can become its entry's, so that it is not copied. Errors: those of `region::set`.
expected<bool> store(command_call& call, const hashed_key& key,
                     bytes_view value, const write_options& how = {});

/// Notes keys that were asked for. They count once the call is over: what is read
/// again, because a change came in between, is asked for once.
void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept;

/// The call is over: INFO shows what it asked for.
void settle_lookups(command_call& call) noexcept;

} // namespace troupe::server
