#pragma once

// One bucket of the index: a cache line of seven tagged entry addresses, the number of
// the next bucket of the chain, and the marks that eviction needs of each entry, so
// that its hand walks over buckets without touching an entry.
//
//   7 x [tag 16|address 48]   chain: [young 7|overflow 25]   uses: 7 x 2 bits   0
//
// A search for a tag compares the whole line at once, without a branch per word: which
// word matches is random, so a loop that stops there would be mispredicted nearly every
// time, and a mispredicted branch keeps the processor from starting the next lookup's
// cache misses.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/hash.hpp>

// ThreadSanitizer sees only loads of atomics.
#if defined(__SSE2__) && !defined(TROUPE_THREAD_SANITIZER)
#  define TROUPE_BUCKET_SSE2 1
#  include <emmintrin.h>
#endif

namespace troupe::memory {

/// An entry's address with 16 bits of its key's hash on top; 0 is empty.
using index_word = std::uint64_t;

/// The upper 16 bits of a word; never zero, so that the tag alone distinguishes a word
/// with an entry from an empty one.
[[nodiscard]] constexpr std::uint16_t tag_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint16_t>((hash >> tag_shift) | 1);
}

[[nodiscard]] constexpr std::uint16_t tag_in(index_word x) noexcept {
  return static_cast<std::uint16_t>(x >> tag_shift);
}

[[nodiscard]] inline entry* entry_in(index_word x) noexcept {
  return reinterpret_cast<entry*>(x & ((index_word{1} << tag_shift) - 1));
}

[[nodiscard]] inline index_word to_word(std::uint64_t hash, entry* x) noexcept {
  return (index_word{tag_of(hash)} << tag_shift)
         | reinterpret_cast<std::uintptr_t>(x);
}

/// A set of words of a bucket; positions are taken from it one by one.
class word_set {
public:
  /// Bits at distance `stride`; only the topmost bit of each group may be set.
  explicit word_set(std::uint32_t bits) noexcept : bits_(bits) {
    // nop
  }

  [[nodiscard]] bool empty() const noexcept {
    return bits_ == 0;
  }

  [[nodiscard]] std::size_t first() const noexcept {
    return static_cast<std::size_t>(std::countr_zero(bits_)) / stride;
  }

  void drop_first() noexcept {
    bits_ &= bits_ - 1;
  }

  static constexpr std::size_t stride = 4;

private:
  std::uint32_t bits_;
};

struct alignas(64) bucket {
  static constexpr std::size_t width = 7;

  std::array<std::atomic<index_word>, width> words{};

  // -- the chain, by the writer ------------------------------------------------

  /// Number of the next bucket of the chain; 0: none.
  [[nodiscard]] std::uint32_t overflow() const noexcept {
    return chain_.load(std::memory_order_acquire) & most_overflows;
  }

  void set_overflow(std::uint32_t number) noexcept {
    auto young = chain_.load(std::memory_order_relaxed) & ~most_overflows;
    chain_.store(young | number, std::memory_order_release);
  }

  /// The largest number of an overflow bucket.
  static constexpr std::uint32_t most_overflows = (1U << 25) - 1;

  // -- for eviction ------------------------------------------------------------

  /// Whether an entry is new and was not yet found to be in use.
  [[nodiscard]] bool young(std::size_t slot) const noexcept {
    return (chain_.load(std::memory_order_relaxed) >> (25 + slot) & 1) != 0;
  }

  void set_young(std::size_t slot, bool x) noexcept {
    auto bit = std::uint32_t{1} << (25 + slot);
    auto old = chain_.load(std::memory_order_relaxed);
    chain_.store(x ? old | bit : old & ~bit, std::memory_order_release);
  }

  /// How often an entry was read recently: 0 to `most_uses`, a hint.
  [[nodiscard]] unsigned uses(std::size_t slot) const noexcept {
    return (uses_.load(std::memory_order_relaxed) >> (2 * slot)) & most_uses;
  }

  /// For the writer; counts of readers at the same time may be lost.
  void set_uses(std::size_t slot, unsigned n) noexcept {
    auto old = uses_.load(std::memory_order_relaxed);
    auto rest = old & ~(std::uint32_t{most_uses} << (2 * slot));
    uses_.store(rest | (n << (2 * slot)), std::memory_order_relaxed);
  }

  /// Counts a read, from any thread: at most one store, no locked instruction. Counts
  /// of other threads may be lost.
  void count_use(std::size_t slot) noexcept {
    // One load, so that no count overflows into the neighbouring one.
    auto all = uses_.load(std::memory_order_relaxed);
    if ((all >> (2 * slot) & most_uses) < most_uses)
      uses_.store(all + (std::uint32_t{1} << (2 * slot)),
                  std::memory_order_relaxed);
  }

  static constexpr unsigned most_uses = 3;

  // -- words -------------------------------------------------------------------

  /// The words that carry `tag`, which must not be zero. A hint for a reader: load the
  /// word (acquire) and compare its tag again.
  [[nodiscard]] word_set with_tag(std::uint16_t tag) const noexcept {
    return word_set{scan(tag)};
  }

  /// The words without an entry. Exact for the writer.
  [[nodiscard]] word_set empty_words() const noexcept {
    constexpr auto all = (std::uint32_t{1} << (width * word_set::stride)) - 1;
    return word_set{scan(0) & all};
  }

  /// Loads after this call are at least as new as those of the scans before it.
  static void order_scans() noexcept {
#ifndef TROUPE_THREAD_SANITIZER
    std::atomic_thread_fence(std::memory_order_acquire);
#endif
  }

private:
#ifdef TROUPE_THREAD_SANITIZER
  // ThreadSanitizer knows no fences, so the loads must order what `order_scans` orders.
  static constexpr auto scan_order = std::memory_order_acquire;
#else
  static constexpr auto scan_order = std::memory_order_relaxed;
#endif

  /// Four bits per word; the topmost one is set when the tag matches.
  [[nodiscard]] std::uint32_t scan(std::uint16_t tag) const noexcept {
#ifdef TROUPE_BUCKET_SSE2
    // An aligned load of 16 bytes never tears a word on any x86-64 processor.
    auto* line = reinterpret_cast<const __m128i*>(this);
    auto wanted = _mm_set1_epi16(static_cast<short>(tag));
    auto fits = [&](int i) {
      return _mm_cmpeq_epi16(_mm_load_si128(line + i), wanted);
    };
    // Each comparison has its tags in lanes 3 and 7 of 8; packing two comparisons
    // leaves one byte per lane.
    auto low = _mm_movemask_epi8(_mm_packs_epi16(fits(0), fits(1)));
    auto high = _mm_movemask_epi8(_mm_packs_epi16(fits(2), fits(3)));
    return (static_cast<std::uint32_t>(low)
            | static_cast<std::uint32_t>(high) << 16)
           & 0x8888'8888;
#else
    std::uint32_t result = 0;
    for (std::size_t i = 0; i < width; ++i) {
      auto fits = tag_in(words[i].load(scan_order)) == tag;
      result |= std::uint32_t{fits} << (i * word_set::stride + 3);
    }
    return result;
#endif
  }

  std::atomic<std::uint32_t> chain_{0};

  /// 14 bits. The upper half stays zero: a word has its tag there.
  std::atomic<std::uint32_t> uses_{0};
};

/// Where an entry is linked. Valid until the next change of the index.
struct index_slot {
  bucket* in = nullptr;
  std::size_t slot = 0;

  [[nodiscard]] std::atomic<index_word>& word() const noexcept {
    return in->words[slot];
  }

  [[nodiscard]] entry* item() const noexcept {
    return entry_in(word().load(std::memory_order_relaxed));
  }
};

static_assert(sizeof(bucket) == 64);
static_assert(std::endian::native == std::endian::little,
              "the last word of a bucket must not look as if it had a tag");

} // namespace troupe::memory
