#pragma once

// One client. A turn of it: read what there is, parse all of it, execute all
// complete commands, send all replies in one write.
//
//   greeting (TLS: the handshake) ─────► closed (refused, or too slow)
//      │
//      ▼    bytes arrive
//   waiting ───────────► serving ──► waiting
//      ▲                    │  ▲  a long command, or many; others have their turns
//      │                    ├──┴───────────────────────────────► working
//      │                    │ the client does not take its replies
//      │    all was sent    ▼
//      └───────────────── sending
//                           │ QUIT, not RESP, the server stops
//                           ▼
//                        lingering ──► closed
//
//   serving ──► parked ──► working    a command waits for its answer (ticket.hpp)
//
// Invariants
//   1. While replies wait to be sent nothing is executed: a client that does not read
//      stops itself, and costs one output buffer. What it sends is read all the same,
//      up to a bound: it may want to send a whole pipeline before it reads.
//   2. `input_` starts with the first byte of a command.
//   3. Between turns, `input_` holds only an incomplete command, except while
//      sending, when it holds what was read ahead, and while working. What is missing
//      in it lies in `self_.large` and `gathering_`.
//   4. Messages that come for a subscriber wait in its queue, which is bounded
//      (subscriber.hpp), and are written between replies when all before them
//      has been sent. A subscriber whose queue overflows is closed.
//   5. A turn ends after `defaults::turn_time`, and the commands of one batch, however
//      much was read ahead. While working nothing is read.
//   6. While parked nothing is read either, so that what the client may have sent is
//      bounded by its socket; a peer that has closed is noticed all the same. Messages
//      go on.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/messages/types/bytes.hpp>

#include "apps/net/byte_buffer.hpp"
#include "apps/net/socket_watch.hpp"
#include "apps/net/transport.hpp"
#include "apps/resp/parser.hpp"
#include "apps/resp/reply_buffer.hpp"
#include "apps/server/clients/answer_slot.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/connections/workplace.hpp"

namespace troupe::server {

/// Lives on the thread of its workplace.
class connection final : public std::enable_shared_from_this<connection>,
                         private net::socket_watch::owner {
public:
  /// `home` outlives the connection.
  connection(workplace& home, net::transport peer, std::uint64_t id);

  [[nodiscard]] std::uint64_t id() const noexcept {
    return self_.id;
  }

  /// Begins to serve.
  void start();

  /// Answers what has arrived, then closes.
  void drain();

  /// Closes when the client has sent nothing since `moment`, or, if replies wait
  /// for it, has taken nothing.
  void
  close_if_idle_since(std::chrono::steady_clock::time_point moment) noexcept;

  /// The answer that the client's command waits for has come, unless that is over.
  void resume_command() noexcept;

  /// Something has come into the client's queue, or would have.
  void resume_messages();

  /// It is the first in the line (`workplace::go_on_later`).
  void go_on_with_turn() noexcept;

  /// Closes at once. Its workplace forgets the connection, which ends with its
  /// last pending operation.
  void close() noexcept;

  /// Its place among the connections of its thread; the worker's.
  std::size_t slot = 0;

private:
  using error_code = boost::system::error_code;

  enum class state {
    greeting,
    waiting,
    serving,
    working,
    parked,
    sending,
    lingering,
    closed
  };

  // What comes and goes.
  void enter_registry();
  void note_turn() noexcept;
  void note_input() noexcept;
  void greet();
  void shake_hands();
  void start_timer(std::chrono::milliseconds time);
  [[nodiscard]] std::shared_ptr<answer_slot> make_slot(waiting_time most);
  void give_up() noexcept;

  // What it keeps.
  [[nodiscard]] std::size_t unread() const noexcept;
  [[nodiscard]] bool is_stranger() const noexcept;
  [[nodiscard]] std::size_t buffered() const noexcept;
  [[nodiscard]] bool count() noexcept;
  void forget_kept() noexcept;
  void forget_input() noexcept;
  void note_given_back(std::size_t bytes) noexcept;
  void evict();

  // Its way in (connection_input.cpp).
  void wait();
  void await(net::readiness what);
  void await_input();
  void on_ready() noexcept override;
  void go_on();
  void take_turn();
  [[nodiscard]] bool may_read_ahead() const noexcept;
  [[nodiscard]] bool read_ahead();
  net::received receive(bytes_view& input);
  net::received gather(bytes_view& input);
  void take_out_argument();
  bool serve(bytes_view input);
  void yield_turn(bytes_view rest);
  void go_on_later();
  void work();
  void park();
  void stay_parked();
  void time_over();
  void refuse_stream(std::string_view why);
  void keep(bytes_view rest);

  // Its way out (connection_output.cpp).
  bool flush();
  bool flush_with_messages();
  void on_messages();
  void send_rest(std::size_t sent);
  void await_taking();
  void await_sending();
  void send_more();
  void on_sent();
  bool finish();
  void leave();
  void linger();
  void discard();

  // Keeps the connection alive while `f(connection&)` runs, and closes it when
  // memory for its buffers is refused. Does nothing when it has closed.
  template <class F>
  void guarded(F f) noexcept {
    const auto self = shared_from_this();
    if (state_ == state::closed)
      return;
    self_.turn.reset();
    try {
      f(*this);
    } catch (const std::exception&) {
      give_up();
    }
  }

  workplace& home_;
  net::transport peer_;
  state state_ = state::waiting;
  bool broken_ = false;     // Sending failed; nobody is there any more.
  bool input_over_ = false; // Nothing more comes; seen while sending.
  bool goes_on_ = false; // A turn is on its way for which nothing is awaited.
  client self_;
  resp::parser parser_;
  net::byte_buffer input_;     // What could not be executed yet.
  resp::reply_buffer pending_; // Replies that the client did not take at once.
  /// An argument on its way into memory of its own, the line break behind it
  /// included, and the bytes that it takes.
  std::optional<memory::value_buffer> gathering_;
  std::size_t gathered_size_ = 0;
  std::size_t sent_ = 0; // Bytes of these that it has taken since.
  std::size_t kept_ = 0; // Of `self_.kept_bytes`, when it was counted last.
  std::optional<boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>,
    boost::asio::io_context::executor_type>>
    timer_; // Ends a handshake, lingering, or the wait of a command.
};

} // namespace troupe::server
