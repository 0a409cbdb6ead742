#include <troupe/messages/types/options.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace troupe {

namespace {

tl::unexpected<error> bad(const char* field, const std::string& value,
                          const char* range) {
  return fail(errc::invalid_argument,
              std::string{field} + " is " + value + "; allowed: " + range);
}

expected<void> check_lifetime(const char* field, ttl_duration x) {
  if (!valid_ttl(x))
    return bad(field, std::to_string(x.count()) + " ms",
               "1 ms to 100 years, or no_expiry");
  return {};
}

expected<void> check_staleness(const char* field, ttl_duration x) {
  if (!valid_staleness(x))
    return bad(field, std::to_string(x.count()) + " ms",
               "0 (off) to 100 years");
  return {};
}

expected<void> check_timeout(const char* field, std::chrono::milliseconds x) {
  if (x <= x.zero() || x > max_ttl)
    return bad(field, std::to_string(x.count()) + " ms", "1 ms to 100 years");
  return {};
}

expected<void> check_moments(const region_options& x) {
  if (auto ok = check_staleness("fail_safe", x.fail_safe); !ok)
    return ok;
  if (auto ok
      = check_staleness("stale_while_revalidate", x.stale_while_revalidate);
      !ok)
    return ok;
  if (auto ok = check_timeout("fail_safe_throttle", x.fail_safe_throttle); !ok)
    return ok;
  if (!valid_jitter(x.refresh_ahead))
    return bad("refresh_ahead", std::to_string(x.refresh_ahead),
               "0 (off) to below 1");
  if (x.absence_ttl)
    return check_timeout("absence_ttl", *x.absence_ttl);
  return {};
}

expected<void> check_wait(const char* field, std::chrono::milliseconds x) {
  return x == x.zero() ? expected<void>{} : check_timeout(field, x);
}

expected<void> check_loads(const region_options& x) {
  if (x.load_timeout)
    if (auto ok = check_timeout("load_timeout", *x.load_timeout); !ok)
      return ok;
  if (x.queue_timeout)
    if (auto ok = check_timeout("queue_timeout", *x.queue_timeout); !ok)
      return ok;
  if (x.load_attempts == 0)
    return bad("load_attempts", "0", "1 or more");
  if (auto ok = check_timeout("retry_backoff", x.retry_backoff); !ok)
    return ok;
  if (auto ok = check_wait("soft_timeout", x.soft_timeout); !ok)
    return ok;
  if (auto ok = check_wait("hard_timeout", x.hard_timeout); !ok)
    return ok;
  if (x.soft_timeout > x.soft_timeout.zero()
      && x.fail_safe == ttl_duration::zero())
    return bad("soft_timeout", std::to_string(x.soft_timeout.count()) + " ms",
               "0 without fail_safe, which says how old the value may be that "
               "is served after it");
  if (x.max_loads == 0)
    return bad("max_loads", "0", "1 or more");
  if (x.max_load_waiters == 0)
    return bad("max_load_waiters", "0", "1 or more");
  return check_timeout("breaker.open_for", x.breaker.open_for);
}

expected<void> check_jitter(double jitter) {
  if (!valid_jitter(jitter))
    return bad("jitter", std::to_string(jitter), "0 to below 1");
  return {};
}

expected<void> check_limits(const region_options& x) {
  auto shards = std::max<std::size_t>(x.shards, 1);
  for (auto& space : x.namespaces)
    shards += std::max<std::size_t>(space.shards, 1);
  auto least = defaults::least_bytes_per_shard * shards;
  if (x.max_bytes != 0 && x.max_bytes < least)
    return bad("max_bytes", std::to_string(x.max_bytes) + " bytes",
               ("0 (none), or " + std::to_string(least)
                + " and more; fewer shards need less")
                 .c_str());
  return {};
}

} // namespace

expected<void> check(const region_options& x) {
  if (auto ok = check_lifetime("ttl", x.ttl); !ok)
    return ok;
  if (auto ok = check_lifetime("idle", x.idle); !ok)
    return ok;
  if (auto ok = check_jitter(x.jitter); !ok)
    return ok;
  if (auto ok = check_moments(x); !ok)
    return ok;
  if (x.shards != 0
      && (!std::has_single_bit(x.shards) || x.shards > defaults::max_shards))
    return bad("shards", std::to_string(x.shards),
               "a power of two up to 256, or 0 for 16 per core");
  if (auto ok = check_loads(x); !ok)
    return ok;
  if (x.op_timeout)
    if (auto ok = check_timeout("op_timeout", *x.op_timeout); !ok)
      return ok;
  if (auto ok = check_limits(x); !ok)
    return ok;
  if (x.max_key_size > defaults::largest_key_size)
    return bad("max_key_size", std::to_string(x.max_key_size) + " bytes",
               "up to 2 MiB");
  if (x.max_value_size > defaults::max_value_size)
    return bad("max_value_size", std::to_string(x.max_value_size) + " bytes",
               "up to 512 MiB");
  return check(x.namespaces, x.max_key_size);
}

expected<void> check(const write_options& x) {
  if (x.ttl)
    if (auto ok = check_lifetime("ttl", *x.ttl); !ok)
      return ok;
  if (x.idle)
    if (auto ok = check_lifetime("idle", *x.idle); !ok)
      return ok;
  if (x.jitter)
    if (auto ok = check_jitter(*x.jitter); !ok)
      return ok;
  if (x.stale_for)
    if (auto ok = check_staleness("stale_for", *x.stale_for); !ok)
      return ok;
  if (!x.tags.valid()) [[unlikely]]
    return fail(errc::invalid_argument,
                "an entry has up to " + std::to_string(tags::most)
                  + " different tags of up to " + std::to_string(tags::longest)
                  + " bytes each");
  return {};
}

} // namespace troupe
