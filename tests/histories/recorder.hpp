#pragma once

// Who records what when. Each thread has a log of its own, so that recording does
// not order what it records. Logs are read and cleared while no thread records.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "histories/operation.hpp"

namespace histories {

/// Keys by their index, one bit each.
using key_set = std::uint64_t;

/// What one thread did since the logs were cleared.
struct operation_log {
  struct operation_record {
    operation what;
    key_set keys; ///< What it concerns.
  };

  struct load_record {
    load_run what;
    std::size_t key;
  };

  std::uint8_t thread = 0;
  std::uint64_t sequence = 0;
  std::vector<operation_record> operations;
  std::vector<load_record> loads;

  /// A value that no other thread of the recorder gets.
  value_id next_value() noexcept {
    return ((++sequence << 8) | thread) * value_stride;
  }
};

/// Thread-safe, but for `clear` and `logs`.
class recorder {
public:
  recorder() : generation_(next_generation()) {
    // nop
  }

  /// The calling thread's log. Up to 256 threads may have one.
  operation_log& mine();

  [[nodiscard]] const std::vector<std::unique_ptr<operation_log>>&
  logs() const noexcept {
    return logs_;
  }

  void clear() noexcept;

  /// The machine's time. What comes before in the program has taken effect for
  /// all threads, what comes after has not been looked at: so an operation lies
  /// between the two moments taken around it.
  static nanoseconds now() noexcept {
    fence();
    auto result = std::chrono::duration_cast<std::chrono::nanoseconds>(
                    std::chrono::steady_clock::now().time_since_epoch())
                    .count();
    fence();
    return result;
  }

private:
  /// A full fence that ThreadSanitizer understands, too.
  static void fence() noexcept {
    static thread_local std::atomic<int> own{0};
    own.exchange(1, std::memory_order_seq_cst);
  }

  static std::uint64_t next_generation() noexcept;

  const std::uint64_t generation_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<operation_log>> logs_;
};

} // namespace histories
