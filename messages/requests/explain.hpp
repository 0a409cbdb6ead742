#pragma once

// Asks a region why a key is in the state that it is in.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

struct explain_request {
  bytes key;
};

fields<&explain_request::key> fields_of(const explain_request&);

/// An event of a key; see `key_event`.
struct explained_event {
  std::string kind;  ///< The name of a `key_event_kind`.
  std::string cause; ///< The same; equals `kind` when there is no other cause.
  std::uint64_t sequence = 0;
  std::chrono::milliseconds age{0};
  std::uint64_t load = 0;
  bytes name;
};

fields<&explained_event::kind, &explained_event::cause,
       &explained_event::sequence, &explained_event::age,
       &explained_event::load, &explained_event::name>
fields_of(const explained_event&);

/// The answer; see `explanation`.
struct explained_key {
  std::string state; ///< "missing", "present", "expired" or "killed".
  std::uint64_t version = 0;
  std::uint64_t value_bytes = 0;
  std::uint64_t charge = 0;                   ///< Bytes.
  std::chrono::milliseconds ttl = no_expiry;  ///< Left.
  std::chrono::milliseconds idle = no_expiry; ///< Left.
  std::vector<bytes> tags;
  bool updating = false;
  std::uint64_t load = 0; ///< The load in flight; 0: none.
  std::chrono::milliseconds load_age{0};
  bool load_fenced = false;
  std::vector<explained_event> events; ///< Newest first.
  std::vector<std::string> sentences;  ///< The same in English.
};

fields<&explained_key::state, &explained_key::version,
       &explained_key::value_bytes, &explained_key::charge, &explained_key::ttl,
       &explained_key::idle, &explained_key::tags, &explained_key::updating,
       &explained_key::load, &explained_key::load_age,
       &explained_key::load_fenced, &explained_key::events,
       &explained_key::sentences>
fields_of(const explained_key&);

} // namespace troupe
