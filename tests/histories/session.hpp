#pragma once

// What the threads of one run share: a region on a manual clock, its keys, a
// database that loaders read, the logs, and what was found wrong.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

#include "backends/core/thread_executor.hpp"
#include "histories/key_checker.hpp"
#include "histories/operation.hpp"
#include "histories/options.hpp"
#include "histories/recorder.hpp"

namespace histories {

/// A value as the region stores it: a decimal number where `counter`, else the
/// number and as many bytes as it says, which follow from it.
troupe::bytes encode(value_id x, bool counter);

/// The number of a stored value; nothing when the bytes are not those of one.
std::optional<value_id> decode(troupe::bytes_view x, bool counter);

/// Thread-safe, but for construction and destruction.
class session {
public:
  session(const options& how, std::size_t shards, bool limited, bool stale,
          std::uint64_t seed);

  ~session();

  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // -- keys and tags -------------------------------------------------------------

  [[nodiscard]] const std::vector<std::string>& keys() const noexcept {
    return keys_;
  }

  [[nodiscard]] static bool is_counter(std::size_t key) noexcept {
    return key % 4 == 3;
  }

  /// The keys of the namespaces "n:" and "n:m:".
  [[nodiscard]] key_set outer_namespace() const noexcept {
    return outer_;
  }

  [[nodiscard]] key_set inner_namespace() const noexcept {
    return inner_;
  }

  [[nodiscard]] key_set all_keys() const noexcept {
    return all_;
  }

  /// Tag 0 may be on all keys, each of the others on every third one.
  static constexpr unsigned tags = 4;

  [[nodiscard]] static unsigned own_tag(std::size_t key) noexcept {
    return 1 + static_cast<unsigned>(key % 3);
  }

  [[nodiscard]] key_set keys_with(unsigned tag) const noexcept;

  /// A name that is used once.
  [[nodiscard]] std::string new_name();

  // -- the database --------------------------------------------------------------

  /// Changes what loaders read for these keys; the number of the change.
  std::uint64_t change_database(key_set which);

  /// The last change that concerns the key.
  [[nodiscard]] std::uint64_t read_database(std::size_t key) const noexcept {
    return database_[key].load(std::memory_order_seq_cst);
  }

  /// How loads were answered. Any thread counts.
  struct answers {
    std::atomic<std::uint64_t> hit{0};
    std::atomic<std::uint64_t> loaded{0};
    std::atomic<std::uint64_t> joined{0};
    std::atomic<std::uint64_t> stale{0};
    std::atomic<std::uint64_t> fenced{0}; ///< Also loaded or joined.
    std::atomic<std::uint64_t> nothing{0};
    std::atomic<std::uint64_t> runs{0}; ///< Of loaders.
  };

  answers answered;

  // -- what was found ------------------------------------------------------------

  void report(std::size_t key, violation what);
  void report_error(const char* call, const troupe::error& why);

  [[nodiscard]] bool failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);
  }

  /// What was reported first, with the key's name; while no thread reports.
  [[nodiscard]] const violation& found() const noexcept {
    return found_;
  }

  /// Judges what was recorded for one key. One thread per key, while none records.
  void check(std::size_t key);

  /// Looks at the structure of all tables.
  void validate();

  /// What the runtime's clockwork does. From one thread at a time.
  void housekeep();

  /// Waits until no load is in flight, refreshes included. While no thread makes calls.
  void settle();

  const options& how;
  const bool limited;
  const bool stale; ///< It serves stale values and refreshes live ones.
  const std::uint64_t seed;
  recorder log;
  troupe::manual_clock clock;

private:
  std::shared_ptr<thread_executor> executor_
    = std::make_shared<thread_executor>();
  std::shared_ptr<troupe::load_coordinator> loads_;
  troupe::memory_provider* memory_ = nullptr;
  std::vector<std::string> keys_;
  key_set all_ = 0;
  key_set outer_ = 0;
  key_set inner_ = 0;
  std::vector<key_checker> checkers_;
  std::atomic<std::uint64_t> names_{0};
  std::atomic<std::uint64_t> changes_{0};
  std::array<std::atomic<std::uint64_t>, 64> database_{};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  violation found_;

public:
  std::shared_ptr<troupe::region> region;
};

} // namespace histories
