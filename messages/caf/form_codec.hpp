#pragma once

// The way from words to a message, and from its answer to values:
//
//   words ──make──► message ──► actor ──► reply ──read──► field_value

#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include <troupe/messages/forms.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// What a `message_form` does with CAF's messages.
struct form_codec {
  /// Makes the message out of words: a value for each field in turn, or
  /// "name=value" with the name of a field. A field of several texts takes all
  /// that follow. Errors: `invalid_argument`, with the field and what it takes.
  expected<caf::message> (*make)(const std::vector<std::string>& words);

  /// What a reply holds. Errors: `decode_failed` (it is no answer to this).
  expected<field_value> (*read)(const caf::message& reply);
};

} // namespace troupe
