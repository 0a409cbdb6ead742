#pragma once

// The source of the memory of slabs and indexes: chunks of 4 KiB to 2 MiB, cut from
// extents of 2 MiB by halving (a buddy system: Knowlton, CACM 8(10), 1965). The system
// can back an extent with one huge page. This matters: a lookup in a large table misses
// the TLB with every access, and on a virtual machine such a miss costs up to two dozen
// memory accesses.
//
//   extent (2 MiB)  [ 256 K | 256 K |   512 K   |        1 M        ]
//
// Shards take a chunk once per some thousand entries, so one lock serves all.
//
// The system clears a huge page at the first write to it. That takes a millisecond, or
// many on a busy machine: too long for an insert. So a thread that calls `keep_ready`
// prepares extents of huge pages before they are needed, as long as they are needed.
// When it is late, or does not exist, an extent of small pages is used, which are
// cleared one by one.
//
// An extent is returned to the system when all of it is free. When much is free in
// other extents, the same thread returns the pages of free chunks (jemalloc calls this
// purging): that costs the extent its huge page.

#include <array>
#include <bitset>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::memory {

/// Thread-safe. All chunks must be returned before it is destroyed.
class chunk_pool {
public:
  static constexpr std::size_t smallest_chunk = 4 << 10;
  static constexpr std::size_t extent_size = 2 << 20;

  chunk_pool() = default;
  ~chunk_pool();

  chunk_pool(const chunk_pool&) = delete;
  chunk_pool& operator=(const chunk_pool&) = delete;

  /// The pool of the process; never destroyed.
  [[nodiscard]] static chunk_pool& process() noexcept;

  /// Returns `size` bytes, aligned to `size`, a power of two from `smallest_chunk` to
  /// `extent_size`; their content is undefined. nullptr when there is no memory.
  /// Logarithmic, except for the system's work for a new extent.
  [[nodiscard]] void* allocate(std::size_t size) noexcept;

  /// Takes back what `allocate(size)` returned. An extent without chunks is returned to
  /// the system, except for one that is kept.
  void deallocate(void* chunk, std::size_t size) noexcept;

  /// Prepares extents until `stop` is requested: the more, the faster they are taken;
  /// none when nothing grows. Returns free pages to the system when the last growth was
  /// long ago. Sleeps in between.
  void keep_ready(std::stop_token stop) noexcept;

  /// Bytes taken from the system, except for pages that were never touched or were
  /// returned.
  [[nodiscard]] std::size_t reserved() const noexcept;

  /// How much may be free and not returned: 1/`kept_free_share` of the reserved bytes,
  /// and some extents.
  static constexpr std::size_t kept_free_share = 8;
  static constexpr std::size_t kept_free = 2 * extent_size;

  /// Returns what is wrong with the structure, or an empty string. Linear.
  [[nodiscard]] std::string validate() const;

private:
  /// 4 KiB, 8 KiB, ..., 2 MiB.
  static constexpr std::size_t orders = 10;
  static constexpr std::size_t units = extent_size / smallest_chunk;

  /// Lies in a chunk that is free.
  struct free_chunk {
    free_chunk* previous;
    free_chunk* next;
  };

  /// The state of an extent, by units of the smallest chunk.
  struct extent {
    /// The order of the free chunk that starts there, plus one, or 0.
    std::array<std::uint8_t, units> free_order{};
    /// Free, and its page was returned to the system.
    std::bitset<units> purged;
  };

  /// The most extents kept ready, and the number when a thread has just begun to take
  /// some.
  static constexpr std::size_t most_ready = 16;
  static constexpr std::size_t first_ready = 2;

  /// After this time without a taken extent, one less is kept ready.
  static constexpr std::chrono::milliseconds patience{250};

  /// Free chunks of this order or more are worth a system call each; this many at a
  /// time.
  static constexpr std::size_t purged_order = 3;
  static constexpr std::size_t purged_at_once = 32;

  /// Extents of small pages mapped by one call, which costs address space only.
  static constexpr std::size_t mapped_at_once = 16;

  [[nodiscard]] static std::size_t order_of(std::size_t size) noexcept;
  [[nodiscard]] extent& extent_of(const void* chunk) noexcept;
  bool add_extent() noexcept;
  bool map_more() noexcept;
  bool add_ready() noexcept;
  void lower_demand() noexcept;
  [[nodiscard]] bool too_much_free() const noexcept;
  bool purge() noexcept;
  void put_back(void* chunk, std::size_t order) noexcept;
  void forget_purged(const void* chunk, std::size_t order) noexcept;
  void push(void* chunk, std::size_t order) noexcept;
  void remove(void* chunk, std::size_t order) noexcept;

  mutable std::mutex mutex_;
  std::array<free_chunk*, orders> free_{};
  std::unordered_map<std::uintptr_t, std::unique_ptr<extent>> extents_;
  std::vector<void*> ready_;     ///< Mapped and cleared, not yet taken.
  std::vector<void*> untouched_; ///< Mapped, of small pages, never used.
  std::size_t demand_ = 0;       ///< How many to keep ready.
  bool taken_ = false;           ///< Since the keeper's last look.
  std::size_t free_bytes_ = 0;   ///< In free chunks.
  std::size_t purged_ = 0; ///< Units of them that were returned to the system.
  bool excess_ = false;    ///< Signals the keeper that too much is free.
  std::condition_variable_any changed_;
};

/// Maps `size` zeroed bytes, a multiple of `chunk_pool::extent_size` and aligned to it.
/// nullptr when there is no memory.
[[nodiscard]] void* map_pages(std::size_t size) noexcept;

/// Allows the system to replace these pages by huge ones.
void prefer_huge(void* pages, std::size_t size) noexcept;

/// Returns what `map_pages(size)` returned.
void unmap_pages(void* pages, std::size_t size) noexcept;

} // namespace troupe::memory
