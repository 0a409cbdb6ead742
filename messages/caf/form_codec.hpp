#pragma once

// From words to a message, and from its reply to values:
//
//   words ──make──► message ──► actor ──► reply ──read──► field_value

#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include <troupe/messages/forms.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// How a `message_form` makes CAF's messages and reads their replies.
struct form_codec {
  /// Makes the message from words: a value for each field in order, or "name=value"
  /// with the name of a field. A field of several texts takes all words that follow.
  /// Errors: `invalid_argument`, with the field and the values it takes.
  expected<caf::message> (*make)(const std::vector<std::string>& words);

  /// Returns the values of a reply. Errors: `decode_failed` (not a reply to this
  /// message).
  expected<field_value> (*read)(const caf::message& reply);
};

} // namespace troupe
