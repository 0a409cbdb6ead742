#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::memory {

/// Counts the changes of several keys that are in progress, so that readers, which take
/// no mailbox, see each change as a whole.
///
///   change:  hold the mailboxes of all keys (joint_turn.hpp); open the gate; change;
///            close the gate; release the mailboxes
///   read:    wait until the gate is closed; read; read again when it was opened
///            meanwhile
///
/// Thread-safe; several changes may be in progress at once.
class change_gate {
public:
  constexpr change_gate() = default;

  change_gate(const change_gate&) = delete;
  change_gate& operator=(const change_gate&) = delete;

  /// The gate of the process: a change may span regions, also of several runtimes.
  [[nodiscard]] static change_gate& process() noexcept {
    return process_;
  }

  void open() noexcept {
    begun_.fetch_add(1, std::memory_order_seq_cst);
  }

  void close() noexcept {
    ended_.fetch_add(1, std::memory_order_seq_cst);
  }

  /// Waits for a moment without a change in progress, and returns its number, for
  /// `unchanged_since`. It waits as long as the longest change takes.
  [[nodiscard]] std::uint64_t await_closed() const noexcept {
    auto ended = ended_.load(std::memory_order_acquire);
    auto begun = begun_.load(std::memory_order_acquire);
    return begun == ended ? begun : wait();
  }

  /// Whether no change has begun since that moment.
  [[nodiscard]] bool unchanged_since(std::uint64_t moment) const noexcept {
    // What was read before must have been read by now. ThreadSanitizer does not model
    // fences.
#ifndef TROUPE_THREAD_SANITIZER
    std::atomic_thread_fence(std::memory_order_acquire);
#endif
    return begun_.load(std::memory_order_relaxed) == moment;
  }

private:
  [[nodiscard]] std::uint64_t wait() const noexcept;

  static change_gate process_;

  // Readers read both; few threads write them.
  alignas(64) std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> ended_{0};
};

/// Keeps the gate open while it lives.
class gate_opening {
public:
  explicit gate_opening(change_gate& gate) noexcept : gate_(gate) {
    gate_.open();
  }

  ~gate_opening() {
    gate_.close();
  }

  gate_opening(const gate_opening&) = delete;
  gate_opening& operator=(const gate_opening&) = delete;

private:
  change_gate& gate_;
};

} // namespace troupe::memory
