#pragma once

// Other programs, started and stopped by the bench.

#include <cstdint>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace troupe::bench {

/// A server on a port of the loopback interface. Stops with this object.
class server_program {
public:
  /// Starts `command`, whose output goes to a file, and waits until it prints
  /// something that matches `ready`. The port is `port` or, when that is 0, what
  /// the first group of `ready` matched. Throws std::runtime_error, with the
  /// output, when it cannot be started or ends before; `port_taken` when another
  /// program has the port.
  server_program(std::vector<std::string> command, const std::regex& ready,
                 std::uint16_t port);

  ~server_program();

  server_program(const server_program&) = delete;
  server_program& operator=(const server_program&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  /// Processor time used so far, in seconds.
  [[nodiscard]] double cpu_seconds() const;

  /// Resident memory, in bytes.
  [[nodiscard]] std::uint64_t resident_bytes() const;

private:
  pid_t process_;
  std::uint16_t port_;
};

/// Another program has taken the port that a server was given.
struct port_taken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A troupe-server on a free port; `command` is the program and options beyond
/// those that choose the ports.
[[nodiscard]] std::unique_ptr<server_program>
start_troupe(std::vector<std::string> command);

/// The same for a redis-server, which keeps nothing on disk.
[[nodiscard]] std::unique_ptr<server_program>
start_redis(std::vector<std::string> command);

/// What the command printed when it read `input`. Throws std::runtime_error when
/// it cannot be started, ends with another code than 0, or not in half an hour.
[[nodiscard]] std::string output_of(std::vector<std::string> command,
                                    std::string_view input = {});

} // namespace troupe::bench
