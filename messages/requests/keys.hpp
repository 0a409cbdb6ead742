#pragma once

// Requests to a region and its shards about single keys. Values are encoded bytes;
// `codec<V>` decodes them.

#include <chrono>
#include <cstdint>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests/write_terms.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

struct get_request {
  bytes key;
};

fields<&get_request::key> fields_of(const get_request&);

struct get_reply {
  bool found = false;
  bytes value;
  version_number version = no_version;
};

fields<&get_reply::found, &get_reply::value, &get_reply::version>
fields_of(const get_reply&);

struct get_many_request {
  std::vector<bytes> keys;
};

fields<&get_many_request::keys> fields_of(const get_many_request&);

/// One reply per key, in the order of the request.
struct get_many_reply {
  std::vector<get_reply> entries;
};

fields<&get_many_reply::entries> fields_of(const get_many_reply&);

struct contains_request {
  bytes key;
};

fields<&contains_request::key> fields_of(const contains_request&);

struct ttl_request {
  bytes key;
};

fields<&ttl_request::key> fields_of(const ttl_request&);

struct ttl_reply {
  bool found = false;
  std::chrono::milliseconds ttl = no_expiry;
};

fields<&ttl_reply::found, &ttl_reply::ttl> fields_of(const ttl_reply&);

struct set_request {
  bytes key;
  bytes value;
  write_terms how;
};

fields<&set_request::key, &set_request::value, &set_request::how>
fields_of(const set_request&);

/// Stores when the version matches; `no_version`: when the key is absent.
struct compare_and_set_request {
  bytes key;
  version_number version = no_version;
  bytes value;
  write_terms how;
};

fields<&compare_and_set_request::key, &compare_and_set_request::version,
       &compare_and_set_request::value, &compare_and_set_request::how>
fields_of(const compare_and_set_request&);

/// `version` is `no_version` when nothing was stored.
struct compare_and_set_reply {
  version_number version = no_version;
};

fields<&compare_and_set_reply::version> fields_of(const compare_and_set_reply&);

struct erase_request {
  bytes key;
};

fields<&erase_request::key> fields_of(const erase_request&);

struct touch_request {
  bytes key;
  std::chrono::milliseconds ttl = no_expiry;
};

fields<&touch_request::key, &touch_request::ttl>
fields_of(const touch_request&);

/// The reply is the sum, an std::int64_t within the range of the region's values, or an
/// error: `integer_overflow`, `not_an_integer`.
struct increment_request {
  bytes key;
  std::int64_t delta = 1;
};

fields<&increment_request::key, &increment_request::delta>
fields_of(const increment_request&);

struct clear_request {
  /// A message struct needs a field; its value has no effect.
  bool everything = true;
};

fields<&clear_request::everything> fields_of(const clear_request&);

/// Removes all entries with this tag.
struct invalidate_tag_request {
  bytes tag;
};

fields<&invalidate_tag_request::tag> fields_of(const invalidate_tag_request&);

} // namespace troupe
