#include "apps/server/leases/lease_token.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <random>

namespace troupe::server {

namespace {

constexpr std::size_t hex_digits = 16; // Of 64 bits.

void append_hex(std::string& to, std::uint64_t x) {
  std::array<char, hex_digits> text{};
  const auto end
    = std::to_chars(text.data(), text.data() + text.size(), x, 16).ptr;
  const auto size = static_cast<std::size_t>(end - text.data());
  to.append(hex_digits - size, '0').append(text.data(), size);
}

} // namespace

std::string make_token(load_id id) {
  thread_local std::random_device source;
  std::uniform_int_distribution<std::uint64_t> all;
  std::string result;
  for (const auto part : {id, all(source), all(source)})
    append_hex(result, part);
  return result;
}

bool same_token(bytes_view token, bytes_view given) noexcept {
  if (token.empty() || token.size() != given.size())
    return false;
  auto different = 0;
  for (std::size_t i = 0; i < token.size(); ++i)
    different |= token[i] ^ given[i];
  return different == 0;
}

} // namespace troupe::server
