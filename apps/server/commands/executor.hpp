#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/resp/parser.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// Runs commands on the calling thread. One per thread.
class executor {
public:
  /// Both outlive the executor.
  executor(server_state& server, thread_counters& counters) noexcept
    : server_(server), counters_(counters) {
    // nop
  }

  /// Runs the commands of `batch` from number `first` on, in order, and appends
  /// one reply for each, until all ran, `defaults::flush_size` bytes wait to be
  /// sent, the client takes its leave, or one is unfinished, which then goes on
  /// (`continue_unfinished`) before the next one. Returns the number of the first that
  /// did not run; at least one does, unless more messages wait than are
  /// sent at once.
  /// Successive commands of a kind that gains by it (GET) run together; of
  /// others the memory that they will touch is fetched some commands ahead. They
  /// still run one by one, so that who reads meanwhile sees their order.
  std::size_t run(const resp::command_batch& batch, std::size_t first,
                  client& self, resp::reply_writer& reply);

private:
  std::size_t run_next(const resp::command_batch& batch, std::size_t first,
                       client& self, resp::reply_writer& reply);
  std::size_t run_closed(command_call& call, const resp::command_batch& batch,
                         std::size_t first);
  void fetch_ahead(command_call& call, const resp::command_batch& batch,
                   std::size_t first) noexcept;
  std::size_t run_unheard(const resp::command_batch& batch, std::size_t first,
                          client& self, resp::reply_writer& reply);
  void run_held(command_call& call);
  static void refuse(resp::arguments words, client& self,
                     resp::reply_writer& reply, std::string why);
  [[nodiscard]] static expected<void> check_sizes(const command_call& call);
  [[nodiscard]] expected<void> check_room(command_call& call) const;
  void queue(const command& what, resp::arguments words, client& self,
             resp::reply_writer& reply);

  server_state& server_;
  thread_counters& counters_;
  // What was fetched ahead: the commands from one number up to another, with their
  // first keys.
  std::size_t fetched_begin_ = 0;
  std::size_t fetched_ = 0;
  std::array<upcoming_key, provider::prefetched_keys> ahead_;
};

} // namespace troupe::server
