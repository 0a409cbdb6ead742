#pragma once

// Requests about the loads in flight.

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

struct cancel_load_request {
  std::uint64_t id = 0;
};

fields<&cancel_load_request::id> fields_of(const cancel_load_request&);

} // namespace troupe
