#pragma once

#include <string>

#include <sys/types.h>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// A listening Unix socket with mode 0600. The destructor removes it from its folder,
/// unless another has replaced it. Movable.
class socket_file {
public:
  /// Replaces a dead socket of the same name; in a run-time folder, removes all dead
  /// sockets of Troupe's programs. Errors: `invalid_argument` (the path is empty or too
  /// long), `system_error` (another program listens there, a file of another kind has
  /// this name, the folder cannot be written, or another program of this user has held
  /// its lock for 2 s).
  [[nodiscard]] static expected<socket_file> listen(std::string path);

  socket_file(socket_file&&) noexcept;
  socket_file& operator=(socket_file&&) = delete;
  ~socket_file();

  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

  [[nodiscard]] unique_descriptor& descriptor() noexcept {
    return descriptor_;
  }

private:
  socket_file(std::string path, unique_descriptor descriptor);

  std::string path_;
  unique_descriptor descriptor_;
  dev_t device_ = 0;
  ino_t number_ = 0;
};

} // namespace troupe::gate
