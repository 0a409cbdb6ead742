#pragma once

// The tags of a region's entries, by name, and which of them were invalidated.
//
//   name ──(map)──► id ──(array)──► record: last invalidation, uses, name
//   entry: born, ids
//
// A sequence is a moment; `sequence` is the present one. An entry carries the sequence
// at which it was born, and is dead when one of its tags was invalidated at that
// sequence or later. An invalidation stores the present sequence in the tag's record
// and then increments the sequence, so that later entries live.
//
// No change may come between the steps of an invalidation, and no invalidation between
// the steps of a change that depends on whether a tagged entry lives, or stores one:
// the change would store what it made from a dead entry, or its entry would be born
// after an invalidation that its value did not see. So each store marks the time of
// such a change (`tag_step`). An invalidation waits for the changes in progress and
// keeps out others meanwhile. Changes do not wait for each other; a read checks only
// its entry's tags and does not wait.
//
// Memory: a record lives while an entry has the tag (`uses`). A name without entries is
// remembered for a while, because a load in flight may use it: a load that began before
// the name was invalidated must not be stored. `most_idle_bytes` of such names are
// kept. The sequence of a dropped name becomes the floor, which a new record inherits.
// So a load that is older than the floor is not stored although its tag may not have
// been invalidated: one load too many, but never a value that should be dead.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/entries/key_map.hpp>
#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/space/segmented_array.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Whether a store is in a tagged change; see `tag_step`. Each store has one.
class tag_witness {
public:
  tag_witness() = default;
  tag_witness(const tag_witness&) = delete;
  tag_witness& operator=(const tag_witness&) = delete;

private:
  friend class tag_registry;
  friend class tag_step;

  // On its own cache line, apart from what others write: only invalidations read it.
  alignas(64) std::atomic<bool> busy_{false};
};

/// Thread-safe.
class tag_registry {
public:
  /// Records and names count against `bytes` and may exceed it: the next write must
  /// make up for it. nullptr: they are not counted.
  explicit tag_registry(std::shared_ptr<budget> bytes = nullptr) noexcept;
  ~tag_registry();

  tag_registry(const tag_registry&) = delete;
  tag_registry& operator=(const tag_registry&) = delete;

  // -- any thread, without waiting -----------------------------------------------

  /// The present moment.
  [[nodiscard]] std::uint64_t sequence() const noexcept {
    return sequence_.load(std::memory_order_seq_cst);
  }

  /// Whether an entry with these tags that was born at `born` is dead. The ids must be
  /// in use, or belong to an entry that is read inside an epoch guard.
  [[nodiscard]] bool killed(std::uint64_t born,
                            std::span<const tag_id> ids) const noexcept {
    for (auto x : ids)
      if (records_[x].last.load(std::memory_order_acquire) >= born)
        return true;
    return false;
  }

  /// Increases with each invalidation that may have killed an entry.
  [[nodiscard]] std::uint64_t kills() const noexcept {
    return kills_.load(std::memory_order_acquire);
  }

  /// Number of names in memory; `bytes`: what they take.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  // -- uses: any thread -----------------------------------------------------------

  /// Puts the ids of `names` into `ids`, which must be empty, and counts one use of
  /// each. Throws std::bad_alloc; nothing has changed then.
  void use(std::span<const troupe::bytes> names, std::vector<tag_id>& ids);

  /// Counts one more use of ids that are in use.
  void use_again(std::span<const tag_id> ids) noexcept {
    for (auto x : ids)
      records_[x].uses.fetch_add(1, std::memory_order_relaxed);
  }

  void release(std::span<const tag_id> ids) noexcept {
    for (auto x : ids)
      if (records_[x].uses.fetch_sub(1, std::memory_order_acq_rel) == 1)
        set_aside(x);
  }

  /// The name of an id in use; valid while it is in use.
  [[nodiscard]] bytes_view name_of(tag_id id) const noexcept {
    return *records_[id].name;
  }

  /// The name of the first of these ids, which are in use, that was invalidated since
  /// `born`; empty: none was. Valid while the id is in use.
  [[nodiscard]] bytes_view
  killing_name(std::uint64_t born, std::span<const tag_id> ids) const noexcept {
    for (auto x : ids)
      if (killed(born, {&x, 1}))
        return name_of(x);
    return {};
  }

  /// Whether an entry with these tags that was born at `born` would be dead.
  [[nodiscard]] bool killed_by_name(std::uint64_t born,
                                    std::span<const troupe::bytes> names) const;

  // -- invalidations --------------------------------------------------------------

  /// Kills the entries with this tag that were born before. Waits for the tagged
  /// changes in progress. Returns false without effect inside of such a change. Linear
  /// in the number of stores. Without memory for the name, loads in flight with tags
  /// are not stored.
  [[nodiscard]] bool invalidate(bytes_view name);

  /// Calls `f`, which must not throw, while no `tag_step` lives and none begins; inside
  /// a step of this thread, at once. For a clear, which must not divide joint turns.
  template <class F>
  void keep_out_steps(F&& f) {
    if (tag_step_here()) {
      f();
      return;
    }
    std::lock_guard turn{invalidations_};
    begin_invalidating();
    f();
    end_invalidating();
  }

  /// Makes invalidations wait for tagged changes of this store. Throws std::bad_alloc.
  void add(const tag_witness& store);
  void remove(const tag_witness& store) noexcept;

  /// Returns what is wrong with the counts, or an empty string; `uses` are the entries'
  /// uses of each id. No thread may change anything meanwhile.
  [[nodiscard]] std::string validate(std::span<const std::uint32_t> uses) const;

  /// Bytes. Names without entries take at most this, or a sixteenth of the limit.
  static constexpr std::size_t most_idle_bytes = std::size_t{1} << 20;

private:
  friend class tag_step;

  /// Zero bytes are a record that was never invalidated and that no entry uses.
  struct alignas(32) record {
    std::atomic<std::uint64_t> last;
    std::atomic<std::uint32_t> uses;
    bool idle; ///< It is in `idle_`. Under the mutex, as is the rest.
    const troupe::bytes* name;
  };

  [[nodiscard]] bool tag_step_here() const noexcept;
  void begin_invalidating() noexcept;
  void end_invalidating() noexcept {
    invalidating_.store(false, std::memory_order_release);
  }

  [[nodiscard]] static std::size_t cost_of(bytes_view name) noexcept;
  [[nodiscard]] std::size_t idle_limit() const noexcept;
  [[nodiscard]] tag_id find_or_add(bytes_view name);
  [[nodiscard]] tag_id take_id();
  void set_aside(tag_id id) noexcept;
  void forget_some() noexcept;
  void forget(tag_id id) noexcept;
  void count(std::size_t names, std::size_t bytes) noexcept;

  std::atomic<std::uint64_t> sequence_{1};
  std::atomic<std::uint64_t> kills_{0};
  std::atomic<bool> invalidating_{false};
  segmented_array<record> records_;

  std::mutex invalidations_; ///< One at a time. Taken before `names_`.
  std::vector<const tag_witness*> stores_; ///< Under `invalidations_`.

  mutable std::mutex names_; ///< Guards what follows.
  key_map<tag_id> ids_;
  std::uint64_t floor_ = 0;
  tag_id next_id_ = 0;
  std::vector<tag_id> free_;
  std::deque<tag_id> idle_; ///< In the order in which their last use ended.
  std::size_t idle_bytes_ = 0;
  retired_list retired_; ///< Ids that readers may still use.
  std::shared_ptr<budget> budget_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> bytes_{0};
};

/// A change that depends on whether a tagged entry lives, or stores one, or a joint
/// turn: no invalidation takes place while a step lives. Its constructor waits for an
/// invalidation in progress. In the store's turn. Inside another step for the same tags
/// it does nothing, because that one is enough.
class tag_step {
public:
  /// Without `needed` it does nothing.
  tag_step(tag_registry& tags, tag_witness& store, bool needed = true) noexcept
    : tags_(tags) {
    if (needed) [[unlikely]]
      enter(store);
  }

  ~tag_step() {
    if (entered_) [[unlikely]]
      leave();
  }

  tag_step(const tag_step&) = delete;
  tag_step& operator=(const tag_step&) = delete;

  /// Whether the calling thread is inside a step.
  [[nodiscard]] static bool here(const tag_registry& tags) noexcept;

private:
  void enter(tag_witness& store) noexcept;
  void leave() noexcept;

  static thread_local constinit tag_step* innermost_;

  const tag_registry& tags_;
  tag_step* outer_ = nullptr;
  tag_witness* store_ = nullptr; ///< nullptr: inside another step.
  bool entered_ = false;
};

} // namespace troupe::memory
