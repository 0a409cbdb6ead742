#pragma once

// Requests that carry a function. They work within one process: a function cannot be
// sent to another process; the request arrives without it, and the region answers
// `invalid_argument`.

#include <functional>
#include <optional>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests/write_terms.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

class load_context;

/// `region::get_or_set` as a message.
struct load_request {
  bytes key;
  /// Runs on a loader thread when the key is absent; may throw.
  std::function<expected<std::optional<bytes>>(load_context&)> loader;
  write_terms how;
};

fields<&load_request::key, &load_request::how> fields_of(const load_request&);

/// `found` is false when the loader found that there is no value.
struct load_reply {
  bool found = false;
  bytes value;
};

fields<&load_reply::found, &load_reply::value> fields_of(const load_reply&);

/// `region::update` as a message.
struct update_request {
  bytes key;
  /// Runs on a loader thread, possibly several times.
  std::function<expected<std::optional<bytes>>(std::optional<bytes_view>)>
    updater;
  write_terms how;
};

fields<&update_request::key, &update_request::how>
fields_of(const update_request&);

/// `found` is false when the updater chose to erase.
struct update_reply {
  bool found = false;
  bytes value;
};

fields<&update_reply::found, &update_reply::value>
fields_of(const update_reply&);

} // namespace troupe
