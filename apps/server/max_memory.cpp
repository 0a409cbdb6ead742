#include "apps/server/max_memory.hpp"

#include <array>

#include "apps/server/command_table.hpp"

namespace troupe::server {

namespace {

struct named_policy {
  std::string_view name;
  eviction_policy policy;
};

constexpr std::array policies{
  named_policy{"allkeys-s3fifo", eviction_policy::s3_fifo},
  named_policy{"allkeys-clock", eviction_policy::clock},
  named_policy{"noeviction", eviction_policy::none},
};

} // namespace

std::string_view policy_name(eviction_policy x) noexcept {
  for (const auto& i : policies)
    if (i.policy == x)
      return i.name;
  return "unknown";
}

std::optional<eviction_policy> policy_of(bytes_view name) noexcept {
  for (const auto& i : policies)
    if (same_word(name, i.name))
      return i.policy;
  return std::nullopt;
}

std::string policy_names() {
  std::string result;
  for (const auto& i : policies)
    result.append(result.empty() ? "" : ", ").append(i.name);
  return result;
}

} // namespace troupe::server
