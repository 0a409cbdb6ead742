#include <troupe/actors/testing/explore.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace troupe::testing {

std::optional<std::uint64_t> seed_of_environment() {
  const char* const text = std::getenv("TROUPE_SEED");
  if (text == nullptr || *text == '\0')
    return std::nullopt;
  const std::string_view all{text};
  std::uint64_t result = 0;
  const auto* const end = all.data() + all.size();
  const auto [stopped, code] = std::from_chars(all.data(), end, result);
  if (code != std::errc{} || stopped != end)
    throw std::invalid_argument{
      "TROUPE_SEED is '" + std::string{all}
      + "', it has to be a number from 0 to 2^64 - 1"};
  return result;
}

std::uint64_t explore(const seed_range& seeds, const simulation_options& how,
                      function_ref<void(simulation&)> body) {
  auto range = seeds;
  if (const auto chosen = seed_of_environment())
    range = {*chosen, 1};
  for (std::uint64_t i = 0; i < range.count; ++i) {
    const auto seed = range.first + i;
    try {
      simulation sim{seed, how};
      body(sim);
    } catch (...) {
      // Not swallowed: thrown again.
      std::fprintf(stderr,
                   "troupe::testing: seed %llu failed, run %llu of %llu; "
                   "TROUPE_SEED=%llu repeats it\n",
                   static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(i + 1),
                   static_cast<unsigned long long>(range.count),
                   static_cast<unsigned long long>(seed));
      throw;
    }
  }
  return range.count;
}

} // namespace troupe::testing
