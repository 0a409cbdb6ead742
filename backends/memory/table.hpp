#pragma once

// The entries of one shard: index, slab and retired list as one. A clear puts a
// new generation (an empty index and an empty slab) in place of the old one,
// whatever its size, and the old one goes as a whole when no reader is left.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/index.hpp>
#include <troupe/backends/memory/slab.hpp>

namespace troupe::memory {

/// One writer; `find` and the prefetches from any thread inside an epoch guard,
/// the counters from anywhere. Knows nothing of expiry and versions but carries
/// them in its entries.
class table {
public:
  /// Throws std::bad_alloc.
  table();
  ~table();

  table(const table&) = delete;
  table& operator=(const table&) = delete;

  /// See `index::find`. The entry lives at least as long as the guard.
  [[nodiscard]] const entry* find(const hashed_key& key) const noexcept {
    return current_.load(std::memory_order_acquire)->links.find(key);
  }

  void prefetch_bucket(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_bucket(hash);
  }

  void prefetch_entry(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_entry(hash);
  }

  // -- the writer --------------------------------------------------------------

  using position = index::position;

  [[nodiscard]] position locate(const hashed_key& key) noexcept {
    return generation_->links.locate(key);
  }

  /// Puts an entry at `where`, in place of the one that stands there, if any.
  /// False when there is no memory; nothing has changed then. Constant time.
  [[nodiscard]] bool put(const position& where, const hashed_key& key,
                         bytes_view value, version_number version,
                         time_point deadline) noexcept;

  /// Removes the entry at `where.item`.
  void remove(const position& where) noexcept;

  /// Gives the entry at `where.item` another deadline and version.
  void touch(const position& where, time_point deadline,
             version_number version) noexcept;

  /// Removes all entries at once. False when there is no memory for an empty
  /// table. Constant time; readers inside a guard keep what they see.
  [[nodiscard]] bool clear() noexcept;

  /// Removes what is dead at `now` from the next `buckets` buckets in turn.
  void sweep(time_point now, std::size_t buckets) noexcept;

  /// Frees retired memory that no reader holds.
  void collect() noexcept {
    retired_.collect();
    publish_counters();
  }

  // -- any thread --------------------------------------------------------------

  /// Entries with a deadline.
  [[nodiscard]] std::size_t expiring() const noexcept {
    return expiring_.load(std::memory_order_relaxed);
  }

  /// Entries, expired ones included.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  /// Memory taken from the system for entries and index.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  /// The part of it that waits for readers.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_bytes_.load(std::memory_order_relaxed);
  }

  /// What is wrong with the structure; empty when nothing is. For tests: in the
  /// writer's place, linear.
  [[nodiscard]] std::string validate() const;

private:
  struct generation {
    index links;
    slab blocks;
  };

  void retire(entry& x) noexcept;
  void count_expiring(const entry& x, bool in) noexcept;
  void publish_counters() noexcept;
  void resize(std::size_t entries) noexcept {
    size_.store(entries, std::memory_order_relaxed);
  }

  /// For readers; `generation_` is the same pointer for the writer.
  std::atomic<generation*> current_;
  generation* generation_;
  std::size_t hand_ = 0; ///< The next bucket to sweep.
  // Written by the writer only, so that plain halves of an increment will do.
  std::atomic<std::size_t> expiring_{0};
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> retired_bytes_{0};
  retired_list retired_;
};

} // namespace troupe::memory
