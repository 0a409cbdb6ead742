#pragma once

// Calls of a provider about stale entries and cached absences, for tests.

#include <chrono>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/load_tags.hpp>
#include <troupe/backends/provider.hpp>

#include "conformance/fixture.hpp"

namespace conformance {

/// What a reader that accepts stale values sees.
struct usable_sight {
  std::string value;
  troupe::version_number version = troupe::no_version;
  troupe::time_point deadline = troupe::never;
  troupe::staleness moments;
};

/// The usable entry of a key, which is no use of it.
inline std::optional<usable_sight> usable(const fixture& f,
                                          std::string_view key) {
  std::optional<usable_sight> result;
  const auto found = f.uut->provider().read_usable(
    troupe::hashed_key{key, troupe::hash_key(key)},
    [&](const troupe::entry_view& x, const troupe::staleness& moments) {
      result.emplace(
        usable_sight{std::string{x.value}, x.version, x.deadline, moments});
    },
    troupe::lookup::peek);
  REQUIRE(found);
  REQUIRE(*found == result.has_value());
  return result;
}

/// The value of a key's usable entry; "<none>" without one, "<absent>" for a cached
/// absence.
inline std::string usable_value(const fixture& f, std::string_view key) {
  const auto x = usable(f, key);
  return !x ? "<none>" : x->moments.absence ? "<absent>" : x->value;
}

inline troupe::load_decision
acquire(fixture& f, std::string_view key, troupe::load_id id,
        troupe::load_purpose why = troupe::load_purpose::missing,
        troupe::tags known = {}) {
  auto decided
    = std::make_shared<std::promise<troupe::expected<troupe::load_decision>>>();
  auto result = decided->get_future();
  f.uut->provider().acquire_load(
    troupe::carried_key{troupe::bytes{key}}, id, why,
    std::make_shared<troupe::load_tags>(std::move(known)),
    [decided](troupe::expected<troupe::load_decision> x) {
      decided->set_value(std::move(x));
      return true;
    });
  auto x = result.get();
  REQUIRE(x);
  return std::move(*x);
}

/// Load `id` is granted the lease of a key; the grant.
inline troupe::load_granted
grant(fixture& f, std::string_view key, troupe::load_id id,
      troupe::load_purpose why = troupe::load_purpose::missing) {
  auto x = acquire(f, key, id, why);
  REQUIRE(std::holds_alternative<troupe::load_granted>(x));
  return std::get<troupe::load_granted>(std::move(x));
}

/// How a test ends a load.
struct load_ending {
  std::optional<troupe::bytes> value;
  troupe::write_options how = {};
  std::optional<troupe::ttl_duration> absence_ttl = std::nullopt;
};

inline troupe::load_outcome commit(fixture& f, std::string_view key,
                                   troupe::load_id id, std::uint64_t born,
                                   load_ending with) {
  auto ended
    = std::make_shared<std::promise<troupe::expected<troupe::load_outcome>>>();
  auto result = ended->get_future();
  f.uut->provider().commit_load(
    troupe::carried_key{troupe::bytes{key}},
    {id, born,
     std::make_shared<const std::optional<troupe::bytes>>(
       std::move(with.value)),
     std::move(with.how), with.absence_ttl},
    [ended](troupe::expected<troupe::load_outcome> x) {
      ended->set_value(std::move(x));
    });
  const auto x = result.get();
  REQUIRE(x);
  return *x;
}

/// Ends a load without a result.
inline void release(fixture& f, std::string_view key, troupe::load_id id,
                    std::optional<troupe::time_point> next = std::nullopt) {
  auto ended = std::make_shared<std::promise<troupe::expected<void>>>();
  auto result = ended->get_future();
  f.uut->provider().release_load(
    troupe::carried_key{troupe::bytes{key}}, id, next,
    [ended](troupe::expected<void> x) { ended->set_value(std::move(x)); });
  REQUIRE(result.get());
}

/// Stores a cached absence under a key.
inline void store_absence(fixture& f, std::string_view key,
                          troupe::ttl_duration ttl,
                          troupe::write_options how = {}) {
  const auto born = grant(f, key, 1).born;
  REQUIRE(commit(f, key, 1, born, {std::nullopt, std::move(how), ttl}).stored);
}

/// Ticks until nothing more is to be done at the present time.
inline void settle(fixture& f) {
  for (int i = 0; i < 64; ++i)
    f.uut->tick();
}

} // namespace conformance
