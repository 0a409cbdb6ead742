#pragma once

#include <cstddef>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/space/slab.hpp>

namespace troupe::memory {

namespace detail {

[[nodiscard, gnu::noinline]] inline std::size_t
footprint_with_more(const entry& x) noexcept {
  const auto block = slab::footprint(x.size());
  return x.large() ? block + x.hold().block->footprint(x.value_size()) : block;
}

} // namespace detail

/// What an entry is charged, in bytes: its block, and that of a large value. A
/// value that several keys have by a copy is charged to each of them, although it
/// is there once: any of them may be the last one. Thread-safe inside of a visit;
/// constant time.
[[nodiscard]] inline std::size_t footprint(const entry& x) noexcept {
  if (x.ends_with_value()) [[likely]]
    return slab::footprint(x.size());
  return detail::footprint_with_more(x);
}

} // namespace troupe::memory
