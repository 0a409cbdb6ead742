#pragma once

#include <utility>

#include <unistd.h>

namespace troupe {

/// Owns a file descriptor and closes it. Not thread-safe.
class unique_descriptor {
public:
  explicit unique_descriptor(int x = -1) noexcept : x_(x) {
    // nop
  }

  unique_descriptor(unique_descriptor&& other) noexcept : x_(other.release()) {
    // nop
  }

  unique_descriptor& operator=(unique_descriptor&& other) noexcept {
    if (this != &other) {
      close();
      x_ = other.release();
    }
    return *this;
  }

  ~unique_descriptor() {
    close();
  }

  /// Negative after it was closed or released.
  [[nodiscard]] int get() const noexcept {
    return x_;
  }

  [[nodiscard]] int release() noexcept {
    return std::exchange(x_, -1);
  }

  void close() noexcept {
    if (x_ >= 0)
      ::close(release());
  }

private:
  int x_;
};

} // namespace troupe
