#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::server {

/// What clients must know to be let in: the password of the user "default",
/// who is the only one. Thread-safe.
class credentials {
public:
  /// Replaces the password; an empty one lets everybody in.
  void password(std::string x);

  [[nodiscard]] std::string password() const;

  [[nodiscard]] bool required() const noexcept {
    return required_.load(std::memory_order_relaxed);
  }

  /// Whether this user may enter with this password. The time it takes tells
  /// nothing of the password but, at most, its size.
  [[nodiscard]] bool admits(bytes_view user, bytes_view password) const;

private:
  std::atomic<bool> required_{false};
  mutable std::mutex mutex_;
  std::string password_; // Under the mutex.
};

} // namespace troupe::server
