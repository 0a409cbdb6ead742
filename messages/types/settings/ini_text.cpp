#include <troupe/messages/types/settings/ini_text.hpp>

#include <algorithm>
#include <utility>

namespace troupe::settings {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view comment_signs = "#;";

std::string_view trimmed(std::string_view x) {
  const auto first = x.find_first_not_of(blanks);
  if (first == x.npos)
    return {};
  return x.substr(first, x.find_last_not_of(blanks) - first + 1);
}

bool is_one_of(char x, std::string_view all) {
  return all.find(x) != all.npos;
}

/// The position of a comment in a text without quotes; `x.size()` when it has none.
std::size_t comment_start(std::string_view x) {
  for (std::size_t i = 1; i < x.size(); ++i)
    if (is_one_of(x[i], comment_signs) && is_one_of(x[i - 1], blanks))
      return i;
  return x.size();
}

tl::unexpected<error> refuse(std::string why) {
  return fail(errc::invalid_argument, std::move(why));
}

/// The character that an escaped character stands for; 0 when it is not allowed.
char unescaped(char x) {
  switch (x) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '\\':
    case '"':
      return x;
    default:
      return 0;
  }
}

/// Reads a value between quotes, and removes it from the front of `text`.
expected<std::string> take_quoted(std::string_view& text) {
  const char quote = text.front();
  std::string result;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      return result;
    }
    if (text[i] != '\\' || quote != '"') {
      result += text[i];
      continue;
    }
    const auto x = ++i < text.size() ? unescaped(text[i]) : '\0';
    if (x == 0)
      return refuse("between double quotes, a backslash must be followed by n, "
                    "r, t, a backslash or a double quote");
    result += x;
  }
  return refuse(std::string{"a value that begins with "} + quote
                + " must end with it");
}

/// Reads an option. `rest` is the text behind the `=`.
expected<ini_line> read_entry(std::string_view name, std::string_view rest) {
  ini_line result{ini_line::form::entry, std::string{name}, {}, {}};
  const auto start = std::min(rest.find_first_not_of(blanks), rest.size());
  const bool quoted
    = start < rest.size() && (rest[start] == '"' || rest[start] == '\'');
  if (!quoted) {
    const auto end = comment_start(rest);
    result.value = trimmed(rest.substr(0, end));
    result.comment = rest.substr(end);
    return result;
  }
  rest.remove_prefix(start);
  auto value = take_quoted(rest);
  if (!value)
    return tl::unexpected{std::move(value.error())};
  result.value = std::move(*value);
  const auto behind = trimmed(rest);
  if (!behind.empty() && !is_one_of(behind.front(), comment_signs))
    return refuse("only a comment may follow a value between quotes");
  result.comment = behind;
  return result;
}

} // namespace

expected<ini_line> read_ini_line(std::string_view text) {
  const auto line = trimmed(text);
  if (line.empty() || is_one_of(line.front(), comment_signs))
    return ini_line{};
  if (line.front() == '[') {
    const auto end = comment_start(line);
    const auto title = trimmed(line.substr(0, end));
    if (title.back() != ']')
      return refuse("a section must have the form [name]");
    return ini_line{ini_line::form::section,
                    std::string{trimmed(title.substr(1, title.size() - 2))},
                    {},
                    line.substr(end)};
  }
  const auto sign = line.find('=');
  const auto name = trimmed(line.substr(0, sign));
  if (sign == line.npos || name.empty())
    return refuse("a line must have the form name=value or [name]");
  return read_entry(name, line.substr(sign + 1));
}

std::string ini_value(std::string_view x) {
  const auto plain = !x.empty() && trimmed(x) == x
                     && !is_one_of(x.front(), "\"'")
                     && x.find_first_of("\n\r\t\\#;") == x.npos;
  if (plain)
    return std::string{x};
  std::string result{'"'};
  for (const char c : x) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\n' || c == '\t' || c == '\r')
      result.append("\\").append(1, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else
      result += c;
  }
  return result + '"';
}

std::string place_text(std::size_t line, const std::string& file) {
  return "line " + std::to_string(line) + " of " + file;
}

expected<ini_text> read_ini_text(std::string_view text,
                                 const std::string& file) {
  ini_text result;
  std::string section;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = read_ini_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line)
      return refuse(place_text(number, file) + ": " + line.error().text());
    if (line->what == ini_line::form::section) {
      section = line->name;
      result.sections.push_back({std::move(line->name), number});
    } else if (line->what == ini_line::form::entry) {
      result.entries.push_back(
        {section, std::move(line->name), std::move(line->value), number});
    }
  }
  return result;
}

} // namespace troupe::settings
