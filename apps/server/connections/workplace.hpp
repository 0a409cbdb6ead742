#pragma once

// What a thread gives the connections that it serves: its event loop, the buffers that
// they use in turn, so that an idle connection holds none, and a line for those whose
// turns go on.
//
//   worker ── is a ──► workplace ◄── works at ── connection
//      └──────── owns ──────────────────────────────┘

#include <cstdint>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "apps/net/byte_buffer.hpp"
#include "apps/net/socket_watch.hpp"
#include "apps/resp/parser.hpp"
#include "apps/resp/reply_buffer.hpp"
#include "apps/server/clients/answer_slot.hpp"
#include "apps/server/commands/executor.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

class connection;

/// Belongs to its thread; only `cut` is thread-safe. Outlives its connections.
class workplace {
public:
  /// Both outlive the workplace.
  workplace(server_state& server, thread_counters& counters);

  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;

  [[nodiscard]] boost::asio::io_context& context() noexcept {
    return context_;
  }

  /// Where connections wait for their sockets.
  [[nodiscard]] net::socket_watch& watch() noexcept {
    return watch_;
  }

  [[nodiscard]] server_state& server() noexcept {
    return server_;
  }

  [[nodiscard]] thread_counters& counters() noexcept {
    return counters_;
  }

  /// Where its connections hear of answers to commands that wait.
  [[nodiscard]] const std::shared_ptr<answer_line>& answers() const noexcept {
    return answers_;
  }

  /// Whether connections close once they have answered what they have received.
  [[nodiscard]] bool draining() const noexcept {
    return draining_;
  }

  /// Input that came in one read and of which nothing is kept.
  net::byte_buffer input;

  /// Replies of the connection whose turn it is.
  resp::reply_buffer output;

  resp::command_batch batch;

  executor commands;

  /// Lets `x` go on with its turn when those before it in the line have. One does in
  /// each round of the event loop, so that connections with much to do, however many,
  /// hold up the others for one turn and not for all of theirs. Throws std::bad_alloc.
  virtual void go_on_later(std::shared_ptr<connection> x) = 0;

  /// Forgets a connection that has closed.
  virtual void remove(connection& x) noexcept = 0;

  /// Closes the connection with this number, if it is one of this thread's.
  virtual void cut(std::uint64_t id) = 0;

protected:
  ~workplace();

  /// Has the connections go on whose commands have been answered.
  void serve_answers() noexcept;

  void begin_draining() noexcept {
    draining_ = true;
  }

private:
  server_state& server_;
  thread_counters& counters_;
  boost::asio::io_context context_{1};
  net::socket_watch watch_{context_};
  std::shared_ptr<answer_line> answers_;
  bool draining_ = false;
};

} // namespace troupe::server
