#pragma once

// Requests about the loads in flight and their circuit breakers.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// A load in flight.
struct load_info {
  std::uint64_t id = 0;
  std::string region;
  bytes key;
  std::chrono::milliseconds age{0};
  std::chrono::milliseconds remaining{0}; ///< Until the attempt's deadline.
  std::uint32_t attempt = 1;
  std::uint64_t waiters = 0;
  bool fenced = false; ///< Invalidated: its result will not be stored.
};

fields<&load_info::id, &load_info::region, &load_info::key, &load_info::age,
       &load_info::remaining, &load_info::attempt, &load_info::waiters,
       &load_info::fenced>
fields_of(const load_info&);

struct list_loads_request {
  /// At most this many rows, oldest first.
  std::uint64_t limit = 1000;
};

fields<&list_loads_request::limit> fields_of(const list_loads_request&);

struct load_list {
  std::vector<load_info> loads;
  std::uint64_t total = 0; ///< Number of all loads.
};

fields<&load_list::loads, &load_list::total> fields_of(const load_list&);

/// The circuit breaker of the loads of one region or of several.
struct breaker_info {
  std::string name;
  std::string state;                      ///< "closed", "open" or "half-open".
  std::uint64_t failures = 0;             ///< In a row.
  std::uint64_t opened = 0;               ///< How often it has opened.
  std::uint64_t refused = 0;              ///< Loads that it has refused.
  std::chrono::milliseconds remaining{0}; ///< Until it lets one load through.
};

fields<&breaker_info::name, &breaker_info::state, &breaker_info::failures,
       &breaker_info::opened, &breaker_info::refused, &breaker_info::remaining>
fields_of(const breaker_info&);

struct list_breakers_request {
  /// At most this many, by name.
  std::uint64_t limit = 1000;
};

fields<&list_breakers_request::limit> fields_of(const list_breakers_request&);

struct breaker_list {
  std::vector<breaker_info> breakers; ///< By name.
  std::uint64_t total = 0;            ///< Number of all breakers.
};

fields<&breaker_list::breakers, &breaker_list::total>
fields_of(const breaker_list&);

struct cancel_load_request {
  std::uint64_t id = 0;
};

fields<&cancel_load_request::id> fields_of(const cancel_load_request&);

} // namespace troupe
