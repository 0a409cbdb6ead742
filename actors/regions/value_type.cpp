#include <troupe/actors/regions/value_type.hpp>

#include <array>
#include <utility>

namespace troupe::detail {

namespace {

bool is_digit(char x) noexcept {
  return x >= '0' && x <= '9';
}

} // namespace

std::string readable(std::string_view spelled) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4>
    replacements{{{"{anonymous}", "(anonymous namespace)"},
                  {"<unnamed>", "(anonymous namespace)"},
                  {"std::__cxx11::basic_string<char>", "std::string"},
                  {"std::basic_string<char>", "std::string"}}};
  std::string result{spelled};
  for (auto [from, to] : replacements)
    for (auto at = result.find(from); at != result.npos;
         at = result.find(from, at + to.size()))
      result.replace(at, from.size(), to);
  return result;
}

// The names follow https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling.
// "Z" begins the name of an entity that belongs to a function. Letters of identifiers,
// which follow their length, are skipped.
bool belongs_to_a_file(std::string_view mangled) noexcept {
  if (mangled.find("_GLOBAL__N_") != mangled.npos)
    return true;
  const auto size = mangled.size();
  auto skip_digits = [&](std::size_t i) {
    while (i < size && is_digit(mangled[i]))
      ++i;
    return i;
  };
  std::size_t i = 0;
  while (i < size) {
    const auto letter = mangled[i];
    if (letter == 'Z')
      return true;
    if (is_digit(letter)) {
      std::size_t length = 0;
      for (; i < size && is_digit(mangled[i]) && length < size; ++i)
        length = length * 10 + static_cast<std::size_t>(mangled[i] - '0');
      i += length;
    } else if (letter == 'S' || letter == 'T') {
      // A substitution: "S_", "S1Z_", "St"; or a parameter: "T0_".
      auto end = i + 1;
      while (end < size
             && (is_digit(mangled[end])
                 || (mangled[end] >= 'A' && mangled[end] <= 'Z')))
        ++end;
      i = end < size && mangled[end] == '_' ? end + 1 : i + 1;
    } else if (letter == 'A') {
      // The size of an array: "A10_".
      i = skip_digits(i + 1);
    } else if (letter == 'L' && i + 1 < size && mangled[i + 1] >= 'a'
               && mangled[i + 1] <= 'z') {
      // A number of a simple type: "Li10E", "Lin1E".
      i += 2;
      if (i < size && mangled[i] == 'n')
        ++i;
      i = skip_digits(i);
    } else {
      ++i;
    }
  }
  return false;
}

} // namespace troupe::detail
