#pragma once

// What a load asks an actor that has the values (actors/loads/load_by_actor.hpp).

#include <chrono>
#include <cstdint>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Asks for the value of a missing key.
struct load_value_request {
  bytes key;
  std::uint32_t attempt = 1; ///< See `load_context::attempt`.
  bool has_stale
    = false;   ///< Whether the key had a value, which has become stale.
  bytes stale; ///< That value.
};

fields<&load_value_request::key, &load_value_request::attempt,
       &load_value_request::has_stale, &load_value_request::stale>
fields_of(const load_value_request&);

/// The value, encoded as the region's values are (messages/codec.hpp).
struct load_value_reply {
  bool found = false; ///< False: there is no value.
  bytes value;
  /// Zero: the caller's or the region's.
  std::chrono::milliseconds ttl{0};
  /// See `load_context::tag`.
  std::vector<bytes> tags;
  /// See `load_context::unchanged`, `load_context::store`.
  bool unchanged = false;
  bool stored = true;
};

fields<&load_value_reply::found, &load_value_reply::value,
       &load_value_reply::ttl, &load_value_reply::tags,
       &load_value_reply::unchanged, &load_value_reply::stored>
fields_of(const load_value_reply&);

} // namespace troupe
