#include "apps/settings/max_memory.hpp"

#include <array>

#include <troupe/messages/types/text/words.hpp>

namespace troupe::settings {

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

/// Redis's names, for what comes nearest here: CLOCK keeps what was used lately, S3-FIFO
/// what is used often. Nothing here spares keys without a TTL.
constexpr std::array substitutes{
  named_policy{"allkeys-lru", eviction_policy::clock},
  named_policy{"allkeys-lfu", eviction_policy::s3_fifo},
  named_policy{"allkeys-random", eviction_policy::s3_fifo},
  named_policy{"volatile-lru", eviction_policy::clock},
  named_policy{"volatile-lfu", eviction_policy::s3_fifo},
  named_policy{"volatile-random", eviction_policy::s3_fifo},
  named_policy{"volatile-ttl", eviction_policy::s3_fifo},
};

const named_policy* find_substitute(bytes_view name) noexcept {
  for (const auto& i : substitutes)
    if (same_word(name, i.name))
      return &i;
  return nullptr;
}

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
  if (const auto* const x = find_substitute(name))
    return x->policy;
  return std::nullopt;
}

std::string substitute_note(bytes_view name) {
  const auto* const x = find_substitute(name);
  if (x == nullptr)
    return {};
  std::string result{x->name};
  result.append(" is one of Redis's policies; here ")
    .append(policy_name(x->policy))
    .append(" stands for it");
  if (x->name.starts_with("volatile-"))
    result.append(", which evicts keys without a TTL, too");
  return result;
}

std::string policy_names() {
  std::string result;
  for (const auto& i : policies)
    result.append(result.empty() ? "" : ", ").append(i.name);
  return result + " (and Redis's names, for the nearest of these)";
}

} // namespace troupe::settings
