#pragma once

#include <cstdint>
#include <optional>

#include <troupe/actors/testing/simulation.hpp>
#include <troupe/backends/core/function_ref.hpp>

namespace troupe::testing {

/// Seeds from `first` on, so many.
struct seed_range {
  std::uint64_t first = 1;
  std::uint64_t count = 1000;
};

/// The seed that the environment variable TROUPE_SEED names. Throws std::invalid_argument
/// when it is not a number.
[[nodiscard]] std::optional<std::uint64_t> seed_of_environment();

/// Calls `body` with a simulation for each seed, one after the other; with TROUPE_SEED
/// set, for that seed alone. `body` adds tasks, calls `run`, and checks what is left.
/// Prints the seed of the first run that fails to stderr, and throws its exception again.
/// Returns the number of runs.
std::uint64_t explore(const seed_range& seeds, const simulation_options& how,
                      function_ref<void(simulation&)> body);

inline std::uint64_t explore(const seed_range& seeds,
                             function_ref<void(simulation&)> body) {
  return explore(seeds, {}, body);
}

} // namespace troupe::testing
