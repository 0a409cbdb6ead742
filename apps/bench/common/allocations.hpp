#pragma once

#include <cstdint>

namespace troupe::bench {

/// Whether this program can count allocations; a sanitizer brings an operator
/// new of its own and objects to another.
[[nodiscard]] bool counts_allocations() noexcept;

/// Counts the calls of operator new by all threads during its life; one at a
/// time. What libraries take from malloc or the system directly is not counted.
class allocation_count {
public:
  allocation_count() noexcept;

  ~allocation_count();

  allocation_count(const allocation_count&) = delete;
  allocation_count& operator=(const allocation_count&) = delete;

  /// Calls so far.
  [[nodiscard]] std::uint64_t value() const noexcept;
};

} // namespace troupe::bench
