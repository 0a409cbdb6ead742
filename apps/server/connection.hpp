#pragma once

// One client. A turn of it: read what there is, parse all of it, execute all
// complete commands, send all replies in one write.
//
//           bytes arrive
//   waiting ───────────► serving ──► waiting
//      ▲                    │ the client does not take its replies
//      │    all was sent    ▼
//      └───────────────── sending
//                           │ QUIT, not RESP, the server stops
//                           ▼
//                        lingering ──► closed
//
// Invariants
//   1. While replies wait to be sent nothing is read and nothing executed: a
//      client that does not read stops itself, and costs one output buffer.
//   2. `input_` starts with the first byte of a command.
//   3. Between turns, `input_` holds only an incomplete command, except while
//      sending.
//   4. Messages that come for a subscriber wait in its queue, which is bounded
//      (subscriber.hpp), and are written between replies when all before them
//      has been sent. A subscriber whose queue overflows is closed.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "apps/server/byte_buffer.hpp"
#include "apps/server/command_table.hpp"
#include "apps/server/resp_parser.hpp"

namespace troupe::server {

class worker;

/// Lives on its worker's thread.
class connection : public std::enable_shared_from_this<connection> {
public:
  using socket
    = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                       boost::asio::io_context::executor_type>;

  /// `home` outlives the connection.
  connection(worker& home, socket peer, std::uint64_t id);

  [[nodiscard]] std::uint64_t id() const noexcept {
    return self_.id;
  }

  /// Begins to serve.
  void start();

  /// Answers what has arrived, then closes.
  void drain();

  /// Closes when the client has sent nothing since `moment`.
  void
  close_if_idle_since(std::chrono::steady_clock::time_point moment) noexcept;

  /// Something has come into the client's queue, or would have.
  void resume_messages();

  /// Closes at once. The worker forgets the connection, which ends with its
  /// last pending operation.
  void close() noexcept;

  /// Its place among the worker's connections.
  std::size_t slot = 0;

private:
  using error_code = boost::system::error_code;

  enum class state { waiting, serving, sending, lingering, closed };

  enum class received { some, all, nothing, ended };

  void wait();
  void await_readable();
  void on_readable(error_code code);
  void take_turn();
  received receive(bytes_view& input);
  received classify(error_code code, std::size_t size,
                    std::size_t room) noexcept;
  bool serve(bytes_view input);
  void refuse_stream();
  void keep(bytes_view rest);
  void enter_registry();
  void note_turn() noexcept;
  bool flush();
  bool flush_with_messages();
  void on_messages();
  void send_rest(std::size_t sent);
  void on_sent(error_code code, std::size_t size);
  bool finish();
  void leave();
  void linger();
  void discard();

  template <class F>
  auto guarded(F f);

  worker& home_;
  socket peer_;
  state state_ = state::waiting;
  bool broken_ = false;  // Sending failed; nobody is there any more.
  bool awaited_ = false; // A wait for bytes is under way.
  client self_;
  resp_parser parser_;
  byte_buffer input_;   // What could not be executed yet.
  byte_buffer pending_; // Replies that the client did not take at once.
  std::optional<boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>,
    boost::asio::io_context::executor_type>>
    linger_timer_;
};

} // namespace troupe::server
