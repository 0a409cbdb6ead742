#include "apps/console/views/message_views.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include <troupe/messages/types/options.hpp>

#include "apps/console/text/table.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

using std::chrono::milliseconds;

std::string decimal_text(double x) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof(buffer), x).ptr};
}

/// A value on one line; of a list or a struct only its size.
std::string cell_text(const field_value& x) {
  return std::visit(
    [](const auto& y) -> std::string {
      using type = std::decay_t<decltype(y)>;
      if constexpr (std::is_same_v<type, std::monostate>)
        return "ok";
      else if constexpr (std::is_same_v<type, bool>)
        return y ? "true" : "false";
      else if constexpr (std::is_same_v<type, double>)
        return decimal_text(y);
      else if constexpr (std::is_same_v<type, milliseconds>)
        return y == no_expiry ? "none" : duration_text(y);
      else if constexpr (std::is_same_v<type, bytes>)
        return quote(y);
      else if constexpr (std::is_integral_v<type>)
        return std::to_string(y);
      else
        return "elements: " + std::to_string(y.size());
    },
    x.content);
}

/// Whether all elements are structs; they then have the same members.
bool is_table(const field_value::list& x) {
  return !x.empty() && std::all_of(x.begin(), x.end(), [](const auto& y) {
    return std::holds_alternative<field_value::object>(y.content);
  });
}

std::string table_text(const field_value::list& x, std::size_t width) {
  std::vector<column> columns;
  for (const auto& member : std::get<field_value::object>(x[0].content))
    columns.push_back({std::string{member.name}, alignment::left, true});
  table result{std::move(columns)};
  for (const auto& row : x) {
    std::vector<cell> cells;
    for (const auto& member : std::get<field_value::object>(row.content))
      cells.emplace_back(cell_text(member.value));
    result.add(std::move(cells));
  }
  return result.render(width);
}

std::string indented(const std::string& lines) {
  std::string result;
  for (std::size_t i = 0; i < lines.size();) {
    const auto end = lines.find('\n', i) + 1;
    result += "  " + lines.substr(i, end - i);
    i = end;
  }
  return result;
}

std::string list_text(const field_value::list& x, std::size_t width) {
  if (x.empty())
    return "none\n";
  if (is_table(x))
    return table_text(x, width);
  std::string result;
  for (const auto& element : x)
    result += text_of(element, width);
  return result;
}

std::string object_text(const field_value::object& x, std::size_t width) {
  std::size_t longest = 0;
  for (const auto& member : x)
    longest = std::max(longest, member.name.size());
  std::string result;
  for (const auto& [name, value] : x) {
    const auto& what = value.content;
    const bool several = std::holds_alternative<field_value::list>(what)
                         || std::holds_alternative<field_value::object>(what);
    auto title = std::string{name};
    if (several) {
      result += title + "\n"
                + indented(text_of(value, width > 2 ? width - 2 : width));
      continue;
    }
    title.resize(longest + 2, ' ');
    result += title + cell_text(value) + "\n";
  }
  return result;
}

std::string fields_text(const std::vector<field_form>& fields) {
  std::string result;
  for (const auto& x : fields)
    result += (result.empty() ? "" : " ") + x.text();
  return result;
}

std::size_t widest_line(std::string_view text) {
  std::size_t result = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    result = std::max(result, end);
    text.remove_prefix(end + 1);
  }
  return result;
}

/// A message with its fields, for a terminal too narrow for a table.
std::string wrapped(const message_form& x, std::size_t width) {
  auto result = x.name;
  auto used = result.size();
  auto add = [&](const std::string& word) {
    const bool fits = used + 1 + word.size() <= width;
    result += (fits ? " " : "\n    ") + word;
    used = (fits ? used + 1 : 4) + word.size();
  };
  for (const auto& field : x.fields)
    add(field.text());
  std::string_view answer = x.answer;
  std::string arrow = "-> ";
  for (auto end = answer.find(' '); end != std::string_view::npos;
       end = answer.find(' ')) {
    add(arrow.append(answer.substr(0, end)));
    arrow.clear();
    answer.remove_prefix(end + 1);
  }
  add(arrow.append(answer));
  return result + "\n";
}

std::string json_value(const field_value& x);

std::string json_list(const field_value::list& x) {
  std::string result;
  for (const auto& element : x)
    result += (result.empty() ? "" : ",") + json_value(element);
  return "[" + result + "]";
}

std::string json_value(const field_value& x) {
  return std::visit(
    [](const auto& y) -> std::string {
      using type = std::decay_t<decltype(y)>;
      if constexpr (std::is_same_v<type, std::monostate>) {
        return "null";
      } else if constexpr (std::is_same_v<type, bool>) {
        return y ? "true" : "false";
      } else if constexpr (std::is_same_v<type, double>) {
        return decimal_text(y);
      } else if constexpr (std::is_same_v<type, milliseconds>) {
        return y == no_expiry ? "null" : std::to_string(y.count());
      } else if constexpr (std::is_same_v<type, bytes>) {
        return json_bytes(y);
      } else if constexpr (std::is_integral_v<type>) {
        return std::to_string(y);
      } else if constexpr (std::is_same_v<type, field_value::list>) {
        return json_list(y);
      } else {
        json_object result;
        for (const auto& member : y)
          add_value(result, member.name, member.value);
        return result.text();
      }
    },
    x.content);
}

} // namespace

std::string text_of(const std::vector<message_form>& x, std::size_t width) {
  using enum alignment;
  table result{
    {{"MESSAGE", left}, {"FIELDS", left, true}, {"ANSWER", left, true, 1}}};
  for (const auto& form : x)
    result.add({form.name, fields_text(form.fields), form.answer});
  auto text = result.render(0);
  if (width == 0 || widest_line(text) <= width)
    return text;
  text.clear();
  for (const auto& form : x)
    text += wrapped(form, width);
  return text;
}

std::string text_of(const field_value& x, std::size_t width) {
  if (const auto* list = std::get_if<field_value::list>(&x.content))
    return list_text(*list, width);
  if (const auto* object = std::get_if<field_value::object>(&x.content))
    return object_text(*object, width);
  return cell_text(x) + "\n";
}

std::vector<json_object> json_of(const std::vector<message_form>& x) {
  std::vector<json_object> result;
  for (const auto& form : x) {
    std::vector<json_object> fields;
    for (const auto& field : form.fields) {
      json_object row;
      row.add("name", field.name)
        .add("type", field.type)
        .add("needed", field.needed);
      if (!field.needed)
        row.add("default", field.usual);
      fields.push_back(std::move(row));
    }
    result.push_back(json_object{}
                       .add("name", form.name)
                       .add("fields", fields)
                       .add("answer", form.answer));
  }
  return result;
}

void add_value(json_object& to, std::string_view name, const field_value& x) {
  to.add_json(name, json_value(x));
}

} // namespace troupe::console
