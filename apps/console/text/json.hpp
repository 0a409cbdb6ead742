#pragma once

// Writes JSON (RFC 8259).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::console {

/// A string as JSON. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view x);

/// Any bytes as JSON: a string when they are UTF-8, else {"base64": ...}.
[[nodiscard]] std::string json_bytes(bytes_view x);

/// An object, member by member. Names are ASCII and given once.
class json_object {
public:
  json_object& add(std::string_view name, std::string_view value);
  json_object& add(std::string_view name, const char* value);
  json_object& add(std::string_view name, bool value);
  json_object& add(std::string_view name, std::uint64_t value);
  json_object& add(std::string_view name, std::int64_t value);
  json_object& add_null(std::string_view name);
  json_object& add(std::string_view name,
                   const std::vector<std::string>& value);
  json_object& add(std::string_view name,
                   const std::vector<json_object>& value);

  /// Any bytes: the member `name` when they are UTF-8, else `name`_base64.
  json_object& add_bytes(std::string_view name, bytes_view value);

  /// Adds a value that is already JSON.
  json_object& add_json(std::string_view name, std::string_view json);

  /// The object on one line, without a newline.
  [[nodiscard]] std::string text() const {
    return "{" + members_ + "}";
  }

private:
  std::string members_;
};

} // namespace troupe::console
