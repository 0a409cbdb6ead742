#include <troupe/messages/types/settings/pages.hpp>

#include <algorithm>
#include <cstddef>

namespace troupe::settings {

namespace {

/// The column where the meaning of an option begins.
constexpr std::size_t left_columns = 34;

/// Adds words in lines that begin with `left_columns` blanks, then `last`, which is not
/// broken unless it is longer than a line.
void add_wrapped(std::string& to, std::string_view words,
                 const std::string& last) {
  auto column = left_columns;
  const auto add = [&](std::string_view word) {
    if (column > left_columns && column + 1 + word.size() > help_columns) {
      to.append("\n").append(left_columns, ' ');
      column = left_columns;
    } else if (column > left_columns) {
      to += ' ';
      ++column;
    }
    to.append(word);
    column += word.size();
  };
  const auto add_all = [&](std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      add(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  add_all(words);
  if (left_columns + last.size() > help_columns)
    add_all(last);
  else if (!last.empty())
    add(last);
  to += '\n';
}

/// The default as it is shown; empty: there is none.
std::string preset_text(const option& x) {
  if (!x.preset_note.empty() || x.preset.empty())
    return x.preset_note;
  const auto read = x.kind.read(x.preset);
  return read ? x.kind.write(*read) : x.preset;
}

void add_option(std::string& to, const option& x) {
  auto left = std::string{"  "};
  left += x.letter != 0 ? std::string{'-', x.letter, ','} + " --" : "    --";
  left += x.long_name();
  if (!x.kind.is_flag())
    left += "=" + x.kind.placeholder();
  std::string last;
  if (const auto preset = preset_text(x); !preset.empty() && !x.kind.is_flag())
    last = "(default: " + preset + ")";
  to += left;
  if (left.size() + 2 > left_columns)
    to.append("\n").append(left_columns, ' ');
  else
    to.append(left_columns - left.size(), ' ');
  add_wrapped(to, x.help, last);
}

/// A cell of a table. Bars are escaped, because they would end the cell.
std::string cell(std::string_view x) {
  std::string result;
  for (const char c : x)
    result.append(c == '|' ? "\\" : "").append(1, c);
  return result;
}

} // namespace

std::string help_text(const std::vector<option>& options, bool all) {
  std::vector<std::string> headings;
  const auto shown = [all](const option& x) { return all || !x.hidden; };
  for (const auto& x : options)
    if (shown(x)
        && std::find(headings.begin(), headings.end(), x.heading)
             == headings.end())
      headings.push_back(x.heading);
  std::string result;
  for (const auto& heading : headings) {
    result += (result.empty() ? "" : "\n") + heading + ":\n";
    for (const auto& x : options)
      if (shown(x) && x.heading == heading)
        add_option(result, x);
  }
  return result;
}

std::string markdown_table(const std::vector<option>& options,
                           std::string_view heading) {
  std::string result = "| option | meaning | allowed | default |\n"
                       "|---|---|---|---|\n";
  for (const auto& x : options) {
    if (x.hidden || x.heading != heading)
      continue;
    const auto preset = preset_text(x);
    result += "| `" + x.long_name() + "`"
              + (x.alias.empty() ? "" : ", `" + x.alias + "`") + " | "
              + cell(x.help + (x.details.empty() ? "" : ". " + x.details))
              + " | " + cell(x.kind.range()) + " | "
              + (preset.empty() ? "none" : cell(preset)) + " |\n";
  }
  return result;
}

} // namespace troupe::settings
