#pragma once

// How memory comes back from a size class of a slab that has become too large for
// what is in it: its emptiest chunks are emptied altogether.
//
//   count    how many blocks of each chunk are in use, by their marks
//   choose   the emptiest chunks, as many as fit into what the others have free
//   list     the free blocks anew, of the others only
//   empty    the chosen: whoever owns the blocks moves what is in them, and what
//            comes back is not listed; a chunk of which all has come back can go
//
// All of it in small steps, while blocks are handed out and come back. The marks
// make that possible: which blocks of a chunk are free can be told at any time, so
// the class's list can be dropped at once and be built anew chunk by chunk. A block
// that comes back meanwhile is listed with its chunk, if that is still to come.

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
      to_list, ///< They will be.
      chosen,  ///< They will not, and `used` is a guess.
      emptied, ///< They will not, and `used` is exact.
      gone,    ///< It is not the class's any more.
    };

    std::byte* memory = nullptr;
    std::uint32_t size = 0;   ///< In bytes.
    std::uint32_t blocks = 0; ///< All that it has room for.
    std::uint32_t used = 0;   ///< Blocks in use.
    state is = state::listed;
  };

  /// `all` are the chunks of `of`, which must live as long; a new one has
  /// `smallest_chunk` bytes at least. Throws std::bad_alloc.
  compaction(size_class& of, std::size_t block_size, std::size_t smallest_chunk,
             std::vector<chunk> all);

  /// Whether it works on this class.
  [[nodiscard]] bool serves(const size_class& x) const noexcept {
    return &x == &of_;
  }

  /// Begins a step, in which it looks at some `bytes` of memory, and does what
  /// needs nobody else. What it has to look at beyond, later steps have less.
  void advance(std::size_t bytes) noexcept;

  /// Blocks in use whose content should move, each once; how many, 0 when there
  /// are none or the step is over. Some may be about to come back by themselves.
  [[nodiscard]] std::size_t next_to_move(std::span<void*> blocks) noexcept;

  /// One of these could not be moved: tell of it again in another step.
  void leave() noexcept {
    again_ = true;
  }

  /// A block of the class came back and was marked. False: it is to be listed.
  [[nodiscard]] bool keep_back(void* block) noexcept;

  /// Gives the class's list the free blocks of another chunk; false when there is
  /// none left to list.
  [[nodiscard]] bool refill() noexcept;

  /// A chunk that nobody uses any more, which is the caller's now; or nothing.
  [[nodiscard]] std::optional<chunk> take_empty() noexcept;

  /// Whether nothing is left to do.
  [[nodiscard]] bool done() const noexcept {
    return !counting_ && left_ == 0 && next_ == all_.size();
  }

  /// Whether it found a chunk to be emptied. Only when it is done.
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
  std::int64_t budget_ = 0;   ///< Bytes to look at in this step.
  bool counting_ = true;
  bool gained_ = false;
  std::size_t next_ = 0;  ///< The chunk to be counted or listed next.
  std::size_t left_ = 0;  ///< Chosen chunks that were not taken yet.
  std::size_t empty_ = 0; ///< Of those, chunks that can be.

  // Where the turn through the chosen chunks is.
  std::size_t at_chunk_ = 0;
  std::size_t at_block_ = 0;
  bool again_ = false; ///< Another turn has to follow.
};

} // namespace troupe::memory
