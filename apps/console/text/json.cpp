#include "apps/console/text/json.hpp"

#include <cstddef>

namespace troupe::console {

namespace {

/// Bytes of the character at the start of `x`; zero when it is not UTF-8
/// (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
std::size_t character_size(std::string_view x) {
  auto byte = [x](std::size_t i) { return static_cast<unsigned char>(x[i]); };
  const unsigned first = byte(0);
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4)
    return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (x.size() < size)
    return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xC0U) != 0x80U)
      return 0;
  const unsigned second = byte(1);
  const bool wrong
    = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)
      || (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : size;
}

bool is_utf8(std::string_view x) {
  while (!x.empty()) {
    const auto size = character_size(x);
    if (size == 0)
      return false;
    x.remove_prefix(size);
  }
  return true;
}

void append_ascii(std::string& to, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    to += '\\';
    to += c;
  } else if (c == '\n') {
    to += "\\n";
  } else if (c == '\t') {
    to += "\\t";
  } else if (c == '\r') {
    to += "\\r";
  } else if (c < ' ' || c == '\x7f') {
    to += "\\u00";
    to += digits[static_cast<unsigned char>(c) / 16];
    to += digits[static_cast<unsigned char>(c) % 16];
  } else {
    to += c;
  }
}

std::string base64(bytes_view x) {
  static constexpr char digits[]
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < x.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8U
              | (i + j < x.size() ? static_cast<unsigned char>(x[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      result
        += i + j > x.size() ? '=' : digits[group >> (18U - 6U * j) & 0x3FU];
  }
  return result;
}

/// `text(x)` for every element, between brackets.
template <class T, class F>
std::string array(const std::vector<T>& elements, F text) {
  std::string result{"["};
  for (const auto& x : elements) {
    if (result.size() > 1)
      result += ',';
    result += text(x);
  }
  return result + "]";
}

} // namespace

std::string json_string(std::string_view x) {
  std::string result{'"'};
  while (!x.empty()) {
    const auto size = character_size(x);
    if (size == 1)
      append_ascii(result, x.front());
    else if (size == 0)
      result += "\\ufffd";
    else
      result += x.substr(0, size);
    x.remove_prefix(size == 0 ? 1 : size);
  }
  return result + '"';
}

std::string json_bytes(bytes_view x) {
  if (is_utf8(x))
    return json_string(x);
  return "{\"base64\":\"" + base64(x) + "\"}";
}

json_object& json_object::add_json(std::string_view name,
                                   std::string_view json) {
  if (!members_.empty())
    members_ += ',';
  members_ += json_string(name) + ":";
  members_ += json;
  return *this;
}

json_object& json_object::add(std::string_view name, std::string_view value) {
  return add_json(name, json_string(value));
}

json_object& json_object::add(std::string_view name, const char* value) {
  return add_json(name, json_string(value));
}

json_object& json_object::add(std::string_view name, bool value) {
  return add_json(name, value ? "true" : "false");
}

json_object& json_object::add(std::string_view name, std::uint64_t value) {
  return add_json(name, std::to_string(value));
}

json_object& json_object::add(std::string_view name, std::int64_t value) {
  return add_json(name, std::to_string(value));
}

json_object& json_object::add_null(std::string_view name) {
  return add_json(name, "null");
}

json_object& json_object::add(std::string_view name,
                              const std::vector<std::string>& value) {
  return add_json(name, array(value, json_string));
}

json_object& json_object::add(std::string_view name,
                              const std::vector<json_object>& value) {
  return add_json(name,
                  array(value, [](const json_object& x) { return x.text(); }));
}

json_object& json_object::add_bytes(std::string_view name, bytes_view value) {
  if (is_utf8(value))
    return add(name, value);
  return add(std::string{name} + "_base64", std::string_view{base64(value)});
}

} // namespace troupe::console
