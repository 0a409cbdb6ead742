#pragma once

// Waiting for the sockets of one thread, level by level: a set of the kernel's
// (epoll) in which a socket stays as long as somebody waits for it again and
// again. The set itself is one descriptor of the thread's event loop.
//
//   io_context ── one wait for the set ──► socket_watch ── on_ready ──► connections
//
// Why not a wait of the event loop for each socket: its waits are made anew each
// time, which costs a system call per request (epoll_ctl); one in four that a
// request without a pipeline takes. Here a request costs none.
//
// A socket that is ready although nobody waits is taken out of the set when the
// kernel says so, and put back by the next wait: both are rare.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace troupe::net {

/// What a socket can be waited for. `hang_up`: the peer sends nothing more; what it has
/// sent may wait unread before that.
enum class readiness : std::uint8_t { input = 1, output = 2, hang_up = 4 };

/// Lives on one thread; `on_ready` comes from its event loop.
class socket_watch {
public:
  /// Who waits for a socket.
  class owner {
  public:
    /// The socket may have become ready, or has failed: the next call of the
    /// system tells. The wait is over.
    virtual void on_ready() noexcept = 0;

  protected:
    ~owner() = default;
  };

  /// `context` must outlive the watch. Throws boost::system::system_error when
  /// there is no descriptor left.
  explicit socket_watch(boost::asio::io_context& context);
  ~socket_watch();

  socket_watch(const socket_watch&) = delete;
  socket_watch& operator=(const socket_watch&) = delete;

  /// Begins to serve the event loop.
  void start();

  /// Ends that: the event loop has no more work because of the watch.
  void stop() noexcept;

  /// Waits until the socket is ready for this, beside what it is waited for
  /// already. `who` must live until the wait is over or forgotten. False when the
  /// system has no memory for it. Throws std::bad_alloc.
  [[nodiscard]] bool await(int socket, readiness what, owner& who);

  /// Ends all waits for a socket. Has to come before it is closed.
  void forget(int socket) noexcept;

private:
  using bits = std::uint8_t;

  struct watched {
    owner* who = nullptr;
    std::uint32_t generation = 0; ///< How often the number was forgotten.
    bits wanted = 0;              ///< What is waited for.
    bits registered = 0;          ///< What the kernel knows.
  };

  void arm();
  void serve() noexcept;
  void dispatch(std::uint64_t which, bits ready) noexcept;
  [[nodiscard]] bool register_for(int socket, bits what) noexcept;

  boost::asio::posix::basic_stream_descriptor<
    boost::asio::io_context::executor_type>
    set_;
  std::vector<watched> sockets_; ///< By number.
};

} // namespace troupe::net
