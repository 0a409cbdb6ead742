#pragma once

// Requests to a region about its namespaces.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// The namespaces of a region.
struct list_namespaces_request {
  /// At most this many rows, in the order of the options.
  std::uint64_t limit = 1000;
};

fields<&list_namespaces_request::limit>
fields_of(const list_namespaces_request&);

/// A namespace: its limits, contents and counters.
struct namespace_info {
  bytes prefix;
  std::uint64_t keys = 0;
  std::uint64_t charged = 0;     ///< Bytes that count against the limit.
  std::uint64_t max_bytes = 0;   ///< 0: no limit.
  std::uint64_t max_entries = 0; ///< 0: no limit.
  std::uint64_t evictions = 0;
  std::uint64_t shards = 0;
  std::string eviction; ///< "s3fifo", "clock" or "none".
};

fields<&namespace_info::prefix, &namespace_info::keys, &namespace_info::charged,
       &namespace_info::max_bytes, &namespace_info::max_entries,
       &namespace_info::evictions, &namespace_info::shards,
       &namespace_info::eviction>
fields_of(const namespace_info&);

struct namespace_list {
  std::vector<namespace_info> namespaces;
};

fields<&namespace_list::namespaces> fields_of(const namespace_list&);

/// Sets the limits of a namespace; 0: no limit. One of the two must be set.
struct set_namespace_limits_request {
  bytes prefix;
  std::uint64_t max_bytes = 0;
  std::uint64_t max_entries = 0;
};

fields<&set_namespace_limits_request::prefix,
       &set_namespace_limits_request::max_bytes,
       &set_namespace_limits_request::max_entries>
fields_of(const set_namespace_limits_request&);

/// Removes all keys of a namespace.
struct clear_namespace_request {
  bytes prefix;
};

fields<&clear_namespace_request::prefix>
fields_of(const clear_namespace_request&);

} // namespace troupe
