#pragma once

// What actors accept, as data: for each message its name, its fields and its
// answer, made at compile time from the typed interfaces (interfaces.hpp) and
// the lists of members (inspect.hpp). Whoever has only text, such as a person at
// a console, finds here which messages there are and how to make one.
//
//   words ──make──► message ──► actor ──► reply ──read──► field_value

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <caf/fwd.hpp>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

struct named_value;

/// A value that was in a message: nothing, a plain one, or several.
struct field_value {
  using list = std::vector<field_value>;
  using object = std::vector<named_value>;

  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
               std::chrono::milliseconds, bytes, list, object>
    content;
};

struct named_value {
  std::string_view name;
  field_value value;
};

/// A field of a message. Those of a struct within a message are fields of their
/// own ("how.ttl").
struct field_form {
  std::string name;
  std::string
    type; ///< "text", "texts", "number", "time", "always|if_absent"...
  bool needed = false; ///< Texts have no default; all else has.
  std::string usual;   ///< The default, as it would be written.

  /// "key:text", "[ttl:time=none]".
  [[nodiscard]] std::string text() const;
};

using word_span = const std::vector<std::string>&;

/// A message of an interface and its answer.
struct message_form {
  std::string name; ///< "get" for `get_request`.
  std::vector<field_form> fields;
  std::string answer; ///< "nothing", "bool", "found, value, version".

  /// Makes the message out of words: a value for each field in turn, or
  /// "name=value" with the name of a field. A field of several texts takes all
  /// that follow. Errors: `invalid_argument`, with the field and what it takes.
  expected<caf::message> (*make)(word_span words);

  /// What a reply holds. Errors: `decode_failed` (it is no answer to this).
  expected<field_value> (*read)(const caf::message& reply);
};

/// The messages that actors of a kind (`actor_info::kind`) accept, in the order
/// of interfaces.hpp. Empty for a kind that has no interface.
[[nodiscard]] const std::vector<message_form>& forms_of(std::string_view kind);

/// The message of this name ("get" or "get_request"), or nullptr.
[[nodiscard]] const message_form*
find_form(const std::vector<message_form>& all, std::string_view name);

} // namespace troupe
