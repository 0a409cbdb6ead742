#pragma once

// Listens for consoles on one Unix socket or one TCP port, on its own thread, and
// passes on those that are let in. Until then a connection costs a descriptor and less
// than 300 bytes, for a bounded time, and the number of such connections is bounded.
//
// Invariants
//   1. A descriptor is passed on only after its doorkeeper (protocol.hpp) or, on a Unix
//      socket, the system has identified the peer.
//   2. At most `limits::waiting` connections wait. One more closes a connection that
//      has sent nothing, or else any: neither silent strangers nor those that send a
//      hello keep out consoles, which connect again.
//   3. No connection waits longer than `limits::patience`.
//   4. When the process has no descriptor left, the listener pauses instead of trying
//      again at once.
//   5. An exception that one connection causes closes only that connection.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/gate/detail/port_socket.hpp>
#include <troupe/actors/gate/detail/protocol.hpp>
#include <troupe/actors/gate/detail/secret.hpp>
#include <troupe/actors/gate/detail/socket_file.hpp>
#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

struct limits {
  std::size_t waiting = 16; ///< Connections that are not let in yet.
  std::size_t inside = 64;  ///< Connections that were let in.
  std::chrono::milliseconds patience{5'000};
};

/// A connection that was let in.
struct guest {
  unique_descriptor descriptor;
  /// "unix socket, user 1000, process 4711"; empty for one that came by TCP.
  std::string from;
  /// Must be kept as long as the connection: it counts the connections inside.
  std::shared_ptr<void> stay;
};

/// Thread-safe. `take` is called on the listener's thread.
class listener {
public:
  using taker = std::function<void(guest)>;

  /// Errors: those of `socket_file::listen`.
  [[nodiscard]] static expected<std::unique_ptr<listener>>
  open(const console_socket& where, taker take, limits most = {});

  /// Errors: `invalid_argument` (no password), `system_error` (no descriptor, thread or
  /// random numbers, or the port is taken).
  [[nodiscard]] static expected<std::unique_ptr<listener>>
  open(const console_port& where, taker take, limits most = {});

  /// Closes the waiting connections; `take` is not called after it returns.
  ~listener();

  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  /// The path of a Unix socket; empty otherwise.
  [[nodiscard]] std::string path() const {
    return file_ ? file_->path() : std::string{};
  }

  /// The port of a TCP socket; 0 otherwise.
  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

private:
  using time_point = std::chrono::steady_clock::time_point;

  struct connection {
    unique_descriptor descriptor;
    doorkeeper keeper;
    std::string from;
    time_point deadline;
  };

  enum class outcome : std::uint8_t { waits, over };

  listener(taker take, limits most);

  expected<void> start();
  void run();
  [[nodiscard]] int time_to_wait(time_point now) const;
  void accept_all(time_point now);
  void add(unique_descriptor made, time_point now);
  void make_room();
  outcome serve(connection& x);
  outcome serve_safely(connection& x);
  void let_in(connection& x, const wire_message& welcome);

  const taker take_;
  const limits most_;
  std::optional<socket_file> file_;
  unique_descriptor port_socket_;
  std::uint16_t port_ = 0;
  gate::salt salt_{};
  std::optional<secret> key_;
  unique_descriptor wake_;
  std::shared_ptr<int> inside_ = std::make_shared<int>();

  // Used by the thread only.
  int accepting_ = -1;
  std::vector<connection> waiting_; ///< Oldest first.
  std::vector<pollfd> watched_;
  std::optional<time_point> pause_; ///< Accepts nothing until then.
  std::thread thread_;
};

} // namespace troupe::gate
