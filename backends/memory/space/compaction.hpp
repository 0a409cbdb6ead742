#pragma once

// How a size class of a slab returns memory when it has become too large for its
// contents: its emptiest chunks are emptied.
//
//   count    how many blocks of each chunk are in use, by their marks
//   choose   the emptiest chunks, as many as fit into what the others have free
//   list     the free blocks anew, of the others only
//   empty    the chosen: the owner of the blocks moves their contents, and a block
//            that is freed is not listed; a chunk without used blocks can be returned
//
// All of this happens in small steps, while blocks are allocated and freed. The marks
// make it possible: they show at any time which blocks of a chunk are free, so the
// class's list can be dropped at once and be rebuilt chunk by chunk. A block that is
// freed meanwhile is listed with its chunk, if that is not yet listed.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <troupe/backends/memory/space/size_class.hpp>

namespace troupe::memory {

/// Not thread-safe.
class compaction {
public:
  struct chunk {
    enum class state : std::uint8_t {
      listed,  ///< Its free blocks are in the class's list.
      to_list, ///< They will be listed.
      chosen,  ///< They will not be listed; `used` is a guess.
      emptied, ///< They will not be listed; `used` is exact.
      gone,    ///< It no longer belongs to the class.
    };

    std::byte* memory = nullptr;
    std::uint32_t size = 0;   ///< In bytes.
    std::uint32_t blocks = 0; ///< Its capacity.
    std::uint32_t used = 0;   ///< Blocks in use.
    state is = state::listed;
  };

  /// `all` are the chunks of `of`, which must outlive this; a new chunk has at least
  /// `smallest_chunk` bytes. Throws std::bad_alloc.
  compaction(size_class& of, std::size_t block_size, std::size_t smallest_chunk,
             std::vector<chunk> all);

  /// Whether it compacts this class.
  [[nodiscard]] bool serves(const size_class& x) const noexcept {
    return &x == &of_;
  }

  /// Begins a step that reads about `bytes` bytes of memory and does what needs no
  /// caller. When it reads more, later steps read less.
  void advance(std::size_t bytes) noexcept;

  /// Stores blocks in use whose content should move, each once; returns their number, 0
  /// when there are none or the step is over. Some of them may be freed soon anyway.
  [[nodiscard]] std::size_t next_to_move(std::span<void*> blocks) noexcept;

  /// One of these could not be moved: a later step reports it again.
  void leave() noexcept {
    again_ = true;
  }

  /// A block of the class was freed and marked. False: the caller must list it.
  [[nodiscard]] bool keep_back(void* block) noexcept;

  /// Adds the free blocks of another chunk to the class's list; false when no chunk is
  /// left to list.
  [[nodiscard]] bool refill() noexcept;

  /// Returns a chunk without used blocks, which the caller then owns; or nothing.
  [[nodiscard]] std::optional<chunk> take_empty() noexcept;

  /// Whether there is nothing left to do.
  [[nodiscard]] bool done() const noexcept {
    return !counting_ && left_ == 0 && next_ == all_.size();
  }

  /// Whether it found a chunk to empty. Valid when it is done.
  [[nodiscard]] bool gained() const noexcept {
    return gained_;
  }

private:
  [[nodiscard]] std::size_t blocks_of(const chunk& x) const noexcept;
  [[nodiscard]] bool holds_fresh(const chunk& x) const noexcept;
  [[nodiscard]] std::uint32_t count_used(const chunk& x) noexcept;
  void release_all() noexcept;
  void choose() noexcept;
  void choose(chunk& x) noexcept;
  void list(chunk& x) noexcept;
  void spend_on(std::size_t blocks) noexcept;

  size_class& of_;
  std::size_t block_size_;
  std::size_t smallest_chunk_;
  std::vector<chunk> all_;    ///< By address.
  std::vector<chunk*> order_; ///< Room to sort them.
  std::int64_t budget_ = 0;   ///< Bytes to read in this step.
  bool counting_ = true;
  bool gained_ = false;
  std::size_t next_ = 0;  ///< The next chunk to count or list.
  std::size_t left_ = 0;  ///< Chosen chunks that were not taken yet.
  std::size_t empty_ = 0; ///< Of these, chunks that can be taken.

  // The position in the turn through the chosen chunks.
  std::size_t at_chunk_ = 0;
  std::size_t at_block_ = 0;
  bool again_ = false; ///< Another turn must follow.
};

} // namespace troupe::memory
