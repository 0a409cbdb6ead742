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

/// The bytes that an entry is charged: its block, and the block of a large value. When
/// several keys share a value by a copy, each is charged for it, although it exists
/// once: any of them may be the last one. Thread-safe inside of a visit; constant time.
[[nodiscard]] inline std::size_t footprint(const entry& x) noexcept {
  if (x.ends_with_value()) [[likely]]
    return slab::footprint(x.size());
  return detail::footprint_with_more(x);
}

} // namespace troupe::memory
