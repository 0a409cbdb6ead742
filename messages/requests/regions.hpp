#pragma once

// Requests to the supervisor about open regions.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests/namespaces.hpp>

namespace troupe {

struct region_info {
  std::string name;
  std::string value_type;
  std::uint64_t shards = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  std::uint64_t handled = 0;
  std::uint64_t restarts = 0;
  std::vector<namespace_info> namespaces = {};
  std::uint64_t undecodable = 0;   ///< Reads that met bytes that are no value.
  std::uint64_t shards_failed = 0; ///< Crashed too often and stay down.

  /// How values are stored: "bytes" (as they are), "integer" (decimal text), or
  /// "encoded" (by the codec of their type).
  std::string encoding = "bytes";

  /// The integers that a value may be, when values are stored as integers.
  std::int64_t least_value = 0;
  std::uint64_t most_value = 0;

  std::string provider = "memory"; ///< The kind of its provider.
  std::uint64_t charged = 0;       ///< Bytes that count against the limit.
  std::uint64_t max_bytes = 0;     ///< 0: no limit of its own.
  std::uint64_t max_entries = 0;   ///< 0: no limit.
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0; ///< Expired entries whose memory was freed.
};

fields<&region_info::name, &region_info::value_type, &region_info::shards,
       &region_info::keys, &region_info::bytes, &region_info::handled,
       &region_info::restarts, &region_info::namespaces,
       &region_info::undecodable, &region_info::shards_failed,
       &region_info::encoding, &region_info::least_value,
       &region_info::most_value, &region_info::provider, &region_info::charged,
       &region_info::max_bytes, &region_info::max_entries,
       &region_info::evictions, &region_info::expirations>
fields_of(const region_info&);

struct region_info_request {
  /// Empty: "db0", or the first region by name when there is no "db0".
  std::string name;
};

fields<&region_info_request::name> fields_of(const region_info_request&);

struct find_region_request {
  std::string name;
};

fields<&find_region_request::name> fields_of(const find_region_request&);

} // namespace troupe
