#pragma once

#include <mutex>
#include <utility>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/tags.hpp>

namespace troupe {

/// The tags that a loader has named so far for its value: the loader's thread adds,
/// other threads read. Thread-safe.
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
