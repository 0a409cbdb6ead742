// Transactions: MULTI, EXEC, WATCH and their kin.

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/atomic_section.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/key_checks.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

void multi(command_call& call) {
  if (call.self.queue.active())
    return call.reply.error(error_text::nested_multi);
  call.self.queue.begin(call.db);
  call.reply.ok();
}

void discard(command_call& call) {
  if (!call.self.queue.active())
    return call.reply.error(error_text::discard_without_multi);
  call.self.queue.end();
  call.reply.ok();
}

command_call call_of(const command_call& exec, const queued_command& x) {
  return {x.database(), exec.self, exec.server, exec.counters,
          exec.reply,   x.what(),  x.words()};
}

// Calls `f(command_call&)` for each queued command.
template <class F>
void for_each_queued(command_call& exec, F&& f) {
  for (const auto& x : exec.self.queue.commands()) {
    auto queued = call_of(exec, x);
    f(queued);
  }
}

// Holds everything that the queue and the watched keys concern.
expected<void> enter(command_call& call, atomic_section& section) {
  call.self.queue.for_each_watched(
    [&section](region& where, bytes_view key) { section.add(where, key); });
  for_each_queued(call, [&](command_call& x) { add_keys(x, section); });
  return section.begin();
}

// Has room for all that the queue stores.
expected<void> reserve_queued(command_call& call, atomic_section& section) {
  for_each_queued(call, [&](command_call& x) { section.plan(x); });
  return section.reserve();
}

// Ends a transaction, also when there is no memory for its commands.
class queue_end {
public:
  explicit queue_end(transaction& queue) noexcept : queue_(queue) {
    // nop
  }

  ~queue_end() {
    queue_.end();
  }

  queue_end(const queue_end&) = delete;
  queue_end& operator=(const queue_end&) = delete;

private:
  transaction& queue_;
};

void exec(command_call& call) {
  auto& queue = call.self.queue;
  if (!queue.active())
    return call.reply.error(error_text::exec_without_multi);
  const queue_end ends{queue};
  if (queue.spoiled())
    return call.reply.error(error_text::exec_aborted);
  atomic_section section{call.self};
  if (const auto entered = enter(call, section); !entered)
    return reply_error(call, entered.error());
  if (!queue.watched_unchanged())
    return call.reply.null_array();
  if (const auto reserved = reserve_queued(call, section); !reserved)
    return call.reply.error(
      error_text::exec_refused(error_text::of(reserved.error())));
  const auto commands = queue.take();
  call.reply.array(commands.size());
  for (const auto& x : commands) {
    auto queued = call_of(call, x);
    run_command(queued);
    settle_lookups(queued);
  }
}

void watch(command_call& call) {
  if (call.self.queue.active())
    return call.reply.error(error_text::watch_in_multi);
  const auto keys = call.words.subspan(1);
  if (const auto checked = check_keys(call.db, keys); !checked)
    return reply_error(call, checked.error());
  for (const auto& key : keys)
    if (const auto watched = call.self.queue.watch(
          call.db, key, call.server.options.limits.command);
        !watched)
      return reply_error(call, watched.error());
  if (!count_memory(call.self, call.server))
    return evict(call.self, call.counters, call.reply);
  call.reply.ok();
}

void unwatch(command_call& call) {
  call.self.queue.unwatch();
  call.reply.ok();
}

} // namespace

std::span<const command> transaction_commands() noexcept {
  constexpr auto always = flag::noscript | flag::loading | flag::stale
                          | flag::fast | flag::allow_busy;

  // clang-format off
  static constexpr std::array commands{
    command{"multi", 1, always | flag::not_queued, {}, "transactions", "1.2.0",
            "Begin a transaction", multi},
    command{"exec", 1,
            flag::noscript | flag::loading | flag::stale | flag::skip_slowlog
              | flag::not_queued,
            {}, "transactions", "1.2.0", "Run the commands of the transaction",
            exec},
    command{"discard", 1, always | flag::not_queued, {}, "transactions", "2.0.0",
            "Forget the transaction", discard},
    command{"watch", -2, always | flag::not_queued, all_keys, "transactions",
            "2.2.0", "Run the transaction only if these keys stay the same",
            watch},
    command{"unwatch", 1, always, {}, "transactions", "2.2.0",
            "Forget the watched keys", unwatch},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
