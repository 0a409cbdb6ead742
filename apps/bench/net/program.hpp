#pragma once

// Other programs, started and stopped by the bench.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::bench {

/// A server on a port of the loopback interface. Stops with this object.
class server_program {
public:
  /// Starts `command` and waits until the port takes connections.
  /// Throws std::runtime_error when it cannot be started or ends early.
  server_program(std::vector<std::string> command, std::uint16_t port);

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

/// A port that nobody listens on at this moment.
[[nodiscard]] std::uint16_t free_port();

/// What the command printed. Throws std::runtime_error when it cannot be
/// started or ends with another code than 0.
[[nodiscard]] std::string output_of(std::vector<std::string> command);

} // namespace troupe::bench
