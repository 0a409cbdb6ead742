#pragma once

// A test case of the suite: it becomes a test for each provider, named
// "<provider>: <name>", with the provider as an argument.
//
//   PROVIDER_CASE("a stored value is found", "[reading]") {
//     fixture f{kind};
//     ...
//   }

#include <cstddef>
#include <string>
#include <utility>

#include "catch.hpp"
#include "conformance/provider_kinds.hpp"

namespace conformance {

using case_function = void (*)(const provider_kind&);

template <std::size_t Index, case_function Case>
void run_case() {
  Case(provider_kinds()[Index]);
}

template <case_function Case, std::size_t Index>
void register_case(const std::string& name, const std::string& tags) {
  const auto full_name = provider_kinds()[Index].name + ": " + name;
  REGISTER_TEST_CASE((&run_case<Index, Case>), full_name, tags);
}

template <case_function Case>
bool register_cases(const std::string& name, const std::string& tags) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    (register_case<Case, Index>(name, "[conformance]" + tags), ...);
  }
  (std::make_index_sequence<provider_count>{});
  return true;
}

} // namespace conformance

#define PROVIDER_CASE(name, tags)                                              \
  PROVIDER_CASE_NUMBERED(__COUNTER__, name, tags)
#define PROVIDER_CASE_NUMBERED(number, name, tags)                             \
  PROVIDER_CASE_AFTER_EXPANSION(number, name, tags)
#define PROVIDER_CASE_AFTER_EXPANSION(number, name, tags)                      \
  static void provider_case_##number(const conformance::provider_kind& kind);  \
  [[maybe_unused]] static const bool provider_case_##number##_is_registered    \
    = conformance::register_cases<&provider_case_##number>(name, tags);        \
  static void provider_case_##number(                                          \
    [[maybe_unused]] const conformance::provider_kind& kind)
