#pragma once

#include <mutex>
#include <utility>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/tags.hpp>

namespace troupe {

/// The tags that a load says its value has, as it says them: its loader's thread
/// adds, others look. Thread-safe.
class load_tags {
public:
  explicit load_tags(tags known) : known_(std::move(known)) {
    // nop
  }

  /// Throws std::bad_alloc.
  void add(bytes_view name) {
    std::lock_guard guard{mutex_};
    known_.add(name);
  }

  /// Throws std::bad_alloc.
  [[nodiscard]] tags copy() const {
    std::lock_guard guard{mutex_};
    return known_;
  }

private:
  mutable std::mutex mutex_;
  tags known_;
};

} // namespace troupe
