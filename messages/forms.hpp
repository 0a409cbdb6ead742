#pragma once

// The messages that actors accept, as data: for each message its name, its fields and
// its reply. A program that has only text, such as a console, finds here which messages
// exist. interface_forms.hpp has the forms of all interfaces; caf/form_codec.hpp makes
// a message from words and reads its reply.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

struct form_codec;
struct named_value;

/// A value of a message: nothing, a plain value, or several values.
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

/// A field of a message. The fields of a struct inside a message are separate fields
/// ("how.ttl").
struct field_form {
  std::string name;
  std::string
    type; ///< "text", "texts", "number", "time", "always|if_absent"...
  bool needed = false; ///< Texts have no default; all other types do.
  std::string usual;   ///< The default, as a person writes it.

  /// "key:text", "[ttl:time=none]".
  [[nodiscard]] std::string text() const;
};

/// A message of an interface and its reply.
struct message_form {
  std::string name; ///< "get" for `get_request`.
  std::vector<field_form> fields;
  std::string answer; ///< "nothing", "bool", "found, value, version".

  /// Makes the message and reads the answer; see caf/form_codec.hpp.
  const form_codec* codec = nullptr;
};

/// Returns the message of this name ("get" or "get_request"), or nullptr.
[[nodiscard]] const message_form*
find_form(const std::vector<message_form>& all, std::string_view name);

/// "get" for "get_request": the name of a request in forms and errors.
constexpr std::string_view message_name(std::string_view type) noexcept {
  constexpr std::string_view suffix = "_request";
  if (type.ends_with(suffix))
    type.remove_suffix(suffix.size());
  return type;
}

} // namespace troupe
