#pragma once

// The entries of one shard: index, slab and retired list as one. A clear puts a
// new generation (an empty index and an empty slab) in place of the old one,
// whatever its size, and the old one goes as a whole when no reader is left.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/index.hpp>
#include <troupe/backends/memory/slab.hpp>

namespace troupe::memory {

/// One writer; `find`, `scan` and the prefetches from any thread inside an epoch guard,
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

  /// See `index::scan`. Positions stay good over a clear; what is put after it
  /// counts as new.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    return current_.load(std::memory_order_acquire)
      ->links.scan(from, std::forward<F>(f));
  }

  static constexpr std::uint64_t scan_end = index::scan_end;

  // -- the writer --------------------------------------------------------------

  using position = index::position;

  [[nodiscard]] position locate(const hashed_key& key) noexcept {
    return newest().links.locate(key);
  }

  /// Puts an entry at `where`, in place of the one that stands there, if any,
  /// under the next version. False when there is no memory; nothing has changed
  /// then. Constant time.
  [[nodiscard]] bool put(const position& where, const hashed_key& key,
                         bytes_view value, time_point deadline) noexcept;

  /// Removes the entry at `where.item`; takes a version.
  void remove(const position& where) noexcept;

  /// Gives the entry at `where.item` another deadline and the next version.
  void touch(const position& where, time_point deadline) noexcept;

  /// Removes all entries at once and takes a version. False when there is no
  /// memory for an empty table. Constant time; readers inside a guard keep what
  /// they see.
  [[nodiscard]] bool clear() noexcept;

  /// Removes what is dead at `now` from the next `buckets` buckets in turn.
  void sweep(time_point now, std::size_t buckets) noexcept;

  /// Frees retired memory that no reader holds.
  void collect() noexcept {
    retired_.collect();
    dying_.collect();
  }

  /// The version of the newest change.
  [[nodiscard]] version_number version() const noexcept {
    return version_;
  }

  /// Takes a version for a change that left the entries alone.
  void skip_version() noexcept {
    ++version_;
  }

  /// Fetches what the next write of a key with this hash will touch. From any
  /// thread inside an epoch guard.
  void prefetch_for_write(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&size_, 1);
    current_.load(std::memory_order_acquire)
      ->links.prefetch_bucket_for_write(hash);
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

  /// Memory taken for entries and index.
  [[nodiscard]] std::size_t bytes() const noexcept {
    epoch_guard guard;
    auto& x = *current_.load(std::memory_order_acquire);
    return x.blocks.reserved() + x.links.bytes();
  }

  /// What waits for readers.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_.bytes() + dying_.bytes();
  }

  /// What is wrong with the structure; empty when nothing is. For tests: in the
  /// writer's place, linear.
  [[nodiscard]] std::string validate() const;

private:
  struct generation {
    index links;
    slab blocks;
  };

  /// For the writer, who needs no guard.
  [[nodiscard]] generation& newest() noexcept {
    return *current_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] const generation& newest() const noexcept {
    return *current_.load(std::memory_order_relaxed);
  }

  void retire(entry& x) noexcept;
  void count_expiring(const entry& x, bool in) noexcept;
  void resize(std::size_t entries) noexcept {
    size_.store(entries, std::memory_order_relaxed);
  }

  std::atomic<generation*> current_;
  std::size_t hand_ = 0; ///< The next bucket to sweep.
  retired_list dying_;   ///< Generations.

  // What every write changes, apart from what readers look at and as close
  // together as can be: the processor that writes next has to fetch it from the
  // one that wrote last. Counters are written by the writer only, so plain
  // halves of an increment will do.
  alignas(64) std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> expiring_{0};
  version_number version_ = no_version;
  retired_list retired_; ///< Entries of the current generation.
};

} // namespace troupe::memory
