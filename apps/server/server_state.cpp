#include "apps/server/server_state.hpp"

#include <random>

namespace troupe::server {

std::string server_state::random_id() {
  constexpr std::size_t size = 40;
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device source;
  std::string result;
  while (result.size() < size)
    result += digits[source() % digits.size()];
  return result;
}

} // namespace troupe::server
