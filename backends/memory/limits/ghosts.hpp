#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::memory {

/// Remembers which keys were evicted recently, by 32 bits of their hash: sets of
/// fifteen; in each, the newest key replaces the oldest. Mistakes one key for another
/// about once in 300 million times. Not thread-safe.
class ghosts {
public:
  /// Makes room for about `keys` keys and forgets all present ones. Without memory,
  /// nothing changes.
  void resize(std::size_t keys) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept {
    return sets_.size() * width;
  }

  void add(std::uint64_t hash) noexcept;

  /// Forgets a key; returns whether it was present.
  bool take(std::uint64_t hash) noexcept;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sets_.size() * sizeof(set);
  }

private:
  static constexpr std::size_t width = 15;

  struct alignas(64) set {
    std::array<std::uint32_t, width> marks{}; ///< 0: no key.
    std::uint32_t next = 0;                   ///< The place of the oldest.
  };

  [[nodiscard]] set& set_of(std::uint64_t hash) noexcept;
  [[nodiscard]] static std::uint32_t mark_of(std::uint64_t hash) noexcept;

  std::vector<set> sets_;
};

} // namespace troupe::memory
