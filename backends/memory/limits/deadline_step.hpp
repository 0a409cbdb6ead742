#pragma once

// Changes that depend on whether an entry with a deadline lives.
//
//   change:  look at the clock, 101 ─────────────────────► publish the result
//   reader:                        look at the clock, 102
//
// The reader must not report here that the entry has expired and the key is absent: the
// change, which found the entry live, would come after the report. So a change marks
// the time that it takes. A reader that finds an entry past its deadline looks again
// once no such change is under way: a later change sees a later clock. Readers of live
// entries, and of keys without an entry, do not wait.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace troupe::memory {

/// The keys whose entries a store's turn decides about. Thread-safe.
class deadline_witness {
public:
  deadline_witness() = default;
  deadline_witness(const deadline_witness&) = delete;
  deadline_witness& operator=(const deadline_witness&) = delete;

  /// Waits until there is a moment without a step for a key with this hash. A thread
  /// inside a step does not wait: two steps might wait for each other.
  void await_none(std::uint64_t hash) const noexcept {
    if (busy(hash)) [[unlikely]]
      wait(hash);
  }

  /// Keys of one change, at most.
  static constexpr std::size_t most_keys = 2;

private:
  friend class deadline_step;

  /// Never 0, which means no key. Keys may share a mark: then a reader waits
  /// unnecessarily.
  [[nodiscard]] static std::uint64_t mark_of(std::uint64_t hash) noexcept {
    return hash | 1;
  }

  [[nodiscard]] bool busy(std::uint64_t hash) const noexcept {
    for (auto& x : keys_)
      if (x.load(std::memory_order_seq_cst) == mark_of(hash))
        return true;
    return false;
  }

  void wait(std::uint64_t hash) const noexcept;

  // On its own cache line, apart from what others write: readers of expired entries
  // read it.
  alignas(64) std::array<std::atomic<std::uint64_t>, most_keys> keys_{};
};

/// One change, in the store's turn, from before it reads the clock until its result can
/// be seen.
class deadline_step {
public:
  /// Without `needed` it does nothing. `which`: the index of the key among the change's
  /// keys.
  deadline_step(deadline_witness& store, std::uint64_t hash, bool needed,
                std::size_t which = 0) noexcept {
    if (needed) [[unlikely]]
      enter(store.keys_[which], hash);
  }

  ~deadline_step() {
    if (key_ != nullptr) [[unlikely]]
      leave();
  }

  deadline_step(const deadline_step&) = delete;
  deadline_step& operator=(const deadline_step&) = delete;

private:
  friend class deadline_witness;

  void enter(std::atomic<std::uint64_t>& key, std::uint64_t hash) noexcept;
  void leave() noexcept;

  static thread_local constinit unsigned depth_; ///< Steps of the thread.

  std::atomic<std::uint64_t>* key_ = nullptr; ///< nullptr: not needed.
};

} // namespace troupe::memory
