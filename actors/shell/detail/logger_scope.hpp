#pragma once

#include <caf/logger.hpp>

namespace troupe::detail {

/// Whether the calling thread has destroyed its thread-local variables: it ends the
/// process, and static objects are next.
inline thread_local constinit bool thread_ended = false;

struct thread_end {
  ~thread_end() {
    thread_ended = true;
  }

  void touch() noexcept {
    // Its construction registers the destructor.
  }
};

inline thread_local thread_end end_of_thread;

/// Releases the calling thread's reference to any system's logger, before a system is
/// destroyed on another thread. A thread that ends the process has already released it.
inline void release_logger() {
  if (!thread_ended)
    caf::logger::set_current_actor_system(nullptr);
}

/// During its lifetime, the calling thread may spawn actors and make scoped ones.
///
/// CAF keeps a counted reference to the system's logger in a variable of each thread
/// that does so, and the destructor of the system waits for the last one: forever, when
/// that thread lives longer. This object releases the reference, unless the thread had
/// one before, as CAF's own threads have.
class logger_scope {
public:
  logger_scope() : had_one_(caf::logger::current_logger() != nullptr) {
    end_of_thread.touch();
  }

  ~logger_scope() {
    if (!had_one_)
      caf::logger::set_current_actor_system(nullptr);
  }

  logger_scope(const logger_scope&) = delete;
  logger_scope& operator=(const logger_scope&) = delete;

private:
  bool had_one_;
};

} // namespace troupe::detail
