#pragma once

// The providers that the suite is run with. Another one is a row in provider_kinds.cpp.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/provider_factory.hpp>

namespace conformance {

struct provider_kind {
  /// Begins the names of its tests.
  std::string name;

  /// Whether its entries expire by the clock that it is given, to the nanosecond. Then
  /// that is the test's, which stands still; else it is the machine's.
  bool exact_tick = true;

  /// How many rounds of a race it makes, in percent: fewer, if each takes long.
  int pace = 100;

  std::shared_ptr<const troupe::provider_factory> (*factory)() = nullptr;

  /// Looks at the structure of what the provider keeps, at the end of each test; what
  /// is wrong is a failed check. Perhaps nullptr.
  void (*validate)(troupe::region& where) = nullptr;

  /// The rounds of a race of which memory makes `n`.
  [[nodiscard]] int rounds(int n) const noexcept {
    return n * pace / 100;
  }
};

inline constexpr std::size_t provider_count = 3;

[[nodiscard]] std::span<const provider_kind, provider_count> provider_kinds();

} // namespace conformance
