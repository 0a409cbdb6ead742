#pragma once

#include <cstddef>

#include <troupe/backends/memory/entry.hpp>
#include <troupe/backends/memory/slab.hpp>

namespace troupe::memory {

/// What an entry is charged, in bytes: its block, and that of a large value. A
/// value that several keys have by a copy is charged to each of them, although it
/// is there once: any of them may be the last one. Thread-safe inside of a visit;
/// constant time.
[[nodiscard]] inline std::size_t footprint(const entry& x) noexcept {
  auto result = slab::footprint(x.size());
  if (x.large()) [[unlikely]]
    result += x.hold().block->footprint(x.value_size());
  return result;
}

} // namespace troupe::memory
