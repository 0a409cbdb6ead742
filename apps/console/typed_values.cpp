#include "apps/console/typed_values.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

/// Whether these are the digits of a number as it is stored: "0", "42", "-5".
template <class Integer>
bool is_canonical(std::string_view text, Integer least, Integer most) {
  Integer number{};
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end && number >= least
         && number <= most && std::to_string(number) == text;
}

} // namespace

bool takes_text(const region_info& region, std::string_view value) {
  if (region.encoding == "bytes")
    return true;
  if (region.encoding != "integer")
    return false;
  constexpr auto last = std::numeric_limits<std::int64_t>::max();
  return is_canonical(value, region.least_value,
                      static_cast<std::int64_t>(
                        std::min<std::uint64_t>(region.most_value, last)))
         || is_canonical(value, std::uint64_t{0}, region.most_value);
}

std::string type_problem(const region_info& region) {
  return quote_if_needed(region.name) + " holds values of type "
         + quote_if_needed(region.value_type)
         + (region.encoding == "integer"
              ? ", and this is not a decimal integer from "
                  + std::to_string(region.least_value) + " to "
                  + std::to_string(region.most_value) + " without leading zeros"
              : ", which cannot be typed in the console")
         + "; nothing was stored";
}

} // namespace troupe::console
