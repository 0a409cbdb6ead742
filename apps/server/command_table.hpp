#pragma once

// Every command the server knows, in tables by family (commands_*.cpp). A new
// command is a row and a function.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/topics/subscriptions.hpp>
#include <troupe/backends/memory/shards/turn_plan.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/memory_share.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/resp/parser.hpp"
#include "apps/server/server_state.hpp"
#include "apps/server/transaction.hpp"
#include "apps/net/turn_clock.hpp"
#include "apps/server/unfinished_command.hpp"

namespace troupe::server {

struct command;

/// Which replies a client wants, as CLIENT REPLY says.
enum class reply_mode : std::uint8_t {
  on,
  off,
  skip_next, ///< Not that of the next command.
  skipping,  ///< Not that of the command that runs.
};

/// What the server knows about a client; belongs to its connection.
struct client {
  std::uint64_t id = 0;
  int protocol = 2;           ///< 2 or 3, as HELLO says.
  std::size_t database = 0;   ///< As SELECT says; it is open.
  bool authenticated = false; ///< Counts while a password is required.
  std::string name;           ///< As CLIENT SETNAME says; empty: none.
  std::string library_name;   ///< As CLIENT SETINFO says.
  std::string library_version;
  reply_mode replies = reply_mode::on;
  const command* last_command = nullptr;
  std::shared_ptr<client_record> record; ///< What others see; may be none.
  bool leaving = false;  ///< Replies are sent, then the connection closes.
  transaction queue;     ///< What waits for EXEC.
  bool changing = false; ///< Inside an `atomic_section`.

  /// The command that goes on before any other does; mostly none.
  std::unique_ptr<unfinished_command> unfinished;

  /// The topics it listens to; null as long as it has not asked for any.
  std::unique_ptr<subscriptions> listening;

  /// The large arguments of the command that comes next, which are not in the
  /// input.
  std::vector<memory::value_buffer> large;

  /// That of them which `x` is; nullptr when it is none.
  [[nodiscard]] memory::value_buffer* gathered(bytes_view x) noexcept {
    for (auto& i : large)
      if (i.view().data() == x.data() && i.size() == x.size())
        return &i;
    return nullptr;
  }

  turn_clock turn; ///< Of its connection's turn.

  /// Bytes of input that was not executed and of replies that were not taken, as far
  /// as they are more than any client may have. Its connection notes them.
  std::size_t buffered = 0;
  memory_share memory; ///< What it holds of that of all.

  /// What it keeps until it asks for less, in bytes: queued for EXEC, watched,
  /// subscribed to, and its names.
  [[nodiscard]] std::size_t kept_bytes() const noexcept {
    return queue.held_bytes() + (listening ? listening->held_bytes() : 0)
           + 2 * (name.size() + library_name.size() + library_version.size());
  }

  /// What counts for `maxmemory-clients`, in bytes: the same, what is buffered, and
  /// what its unfinished command has gathered.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return buffered + kept_bytes()
           + (unfinished ? unfinished->held_bytes() : 0);
  }

  /// Makes the queue of messages for this client. Throws std::bad_alloc.
  std::function<std::shared_ptr<subscriber>()> make_subscriber;

  /// Tells whether it is a subscriber, which in RESP2 may do little else.
  [[nodiscard]] bool subscribed() const noexcept {
    return listening && !listening->empty();
  }
};

/// What a running command may use. `words` has the arity the table asks for.
struct command_call {
  /// For joint turns, which databases take part in: they are in memory.
  [[nodiscard]] memory::shard_map& shards() const noexcept {
    return db.memory()->shards();
  }

  region& db;
  client& self;
  server_state& server;
  thread_counters& counters;
  reply_writer& reply;
  const command& what;
  arguments words;

  /// Keys that were asked for and were there, or not; see `count_lookups`.
  std::size_t hits = 0;
  std::size_t misses = 0;
};

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

class atomic_section;

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
  std::size_t (*run_many)(command_call& call, std::span<const arguments> calls)
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

// -- the families ----------------------------------------------------------------

std::span<const command> client_commands() noexcept;
std::span<const command> config_commands() noexcept;
std::span<const command> connection_commands() noexcept;
std::span<const command> expiry_commands() noexcept;
std::span<const command> key_commands() noexcept;
std::span<const command> memory_commands() noexcept;
std::span<const command> pubsub_commands() noexcept;
std::span<const command> server_commands() noexcept;
std::span<const command> string_commands() noexcept;
std::span<const command> transaction_commands() noexcept;
std::span<const command> value_commands() noexcept;

// -- all of them -----------------------------------------------------------------

/// Every command, in the order of the families.
std::span<const command* const> all_commands();

/// The command of this name in any case, or nullptr. Constant time.
const command* find_command(bytes_view name) noexcept;

/// The same among the subcommands of a container.
const command* find_subcommand(const command& container,
                               bytes_view name) noexcept;

/// The command these words call, or nullptr after `refusal` was given the
/// reason: unknown, or the wrong number of words.
const command* resolve(arguments words, std::string& refusal);

/// Compares as Redis compares names and options: ASCII, in any case.
bool same_word(bytes_view x, std::string_view lower) noexcept;

/// Why a client, or its library, may not be called so; empty when it may: printable
/// ASCII without blanks, else `characters`, and not too long.
std::string name_refusal(bytes_view name, std::string_view characters);

/// Runs one command and replies exactly once, whatever happens, unless the client has
/// an unfinished command then.
void run_command(command_call& call);

/// Does one slice of what the command leaves to do, or, within a transaction, all.
void begin_long(command_call& call, std::unique_ptr<unfinished_command> work);

/// Goes on with the client's unfinished command for a slice; true when that replied.
bool continue_long(client& self, reply_writer& reply);

/// Adds what a call concerns to a section that is about to begin.
void add_keys(command_call& call, atomic_section& section);

/// Notes keys that were asked for. They count once the call is over: what is read
/// again, because a change came in between, is asked for once.
void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept;

/// The call is over: INFO shows what it asked for.
void settle_lookups(command_call& call) noexcept;

/// Counts what a client keeps among that of all. False when it keeps more than
/// before, all together more than `maxmemory-clients`, and it more than its fair share:
/// that limit divided by the connected clients, or `defaults::least_client_memory` when
/// that is more. So one client that keeps nearly all closes none that keeps little.
[[nodiscard]] bool count_memory(client& self, server_state& server) noexcept;

/// Disconnects a client that keeps too much, by default one for which `count_memory` was
/// false. The reply says why.
void evict(client& self, thread_counters& counters, reply_writer& reply,
           std::string_view why = error_text::client_evicted);

/// Stores a value that the client sent. A large one has been gathered in memory that
/// can become its entry's, so that it is not copied. Errors: those of `region::set`.
expected<bool> store(command_call& call, bytes_view key, bytes_view value,
                     const write_options& how = {});

/// Replies with an error of the runtime, in place of anything written before.
void reply_error(command_call& call, const error& why);

/// Replies to HELP of a container: its subcommands with their summaries.
void reply_help(command_call& call);

} // namespace troupe::server
