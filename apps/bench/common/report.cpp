#include <apps/bench/common/report.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <apps/bench/common/options.hpp>

namespace troupe::bench {

namespace {

std::string fixed(double x, int decimals) {
  if (!std::isfinite(x))
    return "-";
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, x);
  return buffer;
}

struct cell_text {
  int decimals;

  std::string operator()(std::monostate) const {
    return "-";
  }
  std::string operator()(const std::string& x) const {
    return x;
  }
  std::string operator()(std::uint64_t x) const {
    return std::to_string(x);
  }
  std::string operator()(double x) const {
    return fixed(x, decimals);
  }
  std::string operator()(bool x) const {
    return x ? "yes" : "no";
  }
};

std::string padded(const std::string& text, std::size_t width, bool left) {
  std::string space(width - std::min(width, text.size()), ' ');
  return left ? text + space : space + text;
}

void append_table(std::string& out, const table& x) {
  out += "\n" + x.title + "\n";
  std::vector<std::string> lines(x.rows.size() + 1, " ");
  for (std::size_t c = 0; c < x.columns.size(); ++c) {
    auto& head = x.columns[c];
    if (head.title.empty())
      continue;
    std::vector<std::string> texts{head.title};
    auto left = true;
    for (auto& row : x.rows) {
      texts.push_back(std::visit(cell_text{head.decimals}, row[c]));
      left = left && std::holds_alternative<std::string>(row[c]);
    }
    std::size_t width = 0;
    for (auto& text : texts)
      width = std::max(width, text.size());
    for (std::size_t i = 0; i < texts.size(); ++i)
      lines[i] += " " + padded(texts[i], width + (left ? 1 : 0), left);
  }
  for (auto& line : lines)
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

// -- JSON ----------------------------------------------------------------------

std::string quoted(const std::string& x) {
  std::string result = "\"";
  for (auto c : x) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof(buffer), "\\u%04x",
                    static_cast<unsigned>(c));
      result += buffer;
    } else {
      result += c;
    }
  }
  return result + '"';
}

struct cell_json {
  std::string operator()(std::monostate) const {
    return "null";
  }
  std::string operator()(const std::string& x) const {
    return quoted(x);
  }
  std::string operator()(std::uint64_t x) const {
    return std::to_string(x);
  }
  std::string operator()(double x) const {
    return std::isfinite(x) ? fixed(x, 6) : "null";
  }
  std::string operator()(bool x) const {
    return x ? "true" : "false";
  }
};

/// "[a, b]" or "{a, b}", an element per line.
template <class Range, class F>
std::string listed(const char* brackets, const Range& xs, F text,
                   const char* indent) {
  std::string result{brackets[0]};
  auto first = true;
  for (auto& x : xs) {
    result += std::string{first ? "\n" : ",\n"} + indent + "  " + text(x);
    first = false;
  }
  return result + (first ? "" : std::string{"\n"} + indent) + brackets[1];
}

std::string pair_json(const std::pair<std::string, std::string>& x) {
  return quoted(x.first) + ": " + quoted(x.second);
}

std::string table_json(const table& x) {
  auto row_json = [&](const std::vector<cell>& row) {
    std::string result = "{";
    for (std::size_t c = 0; c < x.columns.size(); ++c)
      result += (c == 0 ? "" : ", ") + quoted(x.columns[c].key) + ": "
                + std::visit(cell_json{}, row[c]);
    return result + "}";
  };
  return quoted(x.key) + ": " + listed("[]", x.rows, row_json, "    ");
}

std::string expectation_json(const expectation& x) {
  return "{\"name\": " + quoted(x.key) + ", \"text\": " + quoted(x.text)
         + ", \"measured\": " + cell_json{}(x.measured) + ", \"bound\": "
         + cell_json{}(x.bound) + ", \"at_least\": " + cell_json{}(x.at_least)
         + ", \"met\": " + cell_json{}(x.met()) + "}";
}

} // namespace

std::string to_text(const report& x) {
  std::string out = "troupe-bench " + x.subcommand + "\n\n";
  for (auto& [name, value] : x.machine)
    out += "  " + padded(name, 14, true) + value + "\n";
  out += "\n";
  for (auto& [name, value] : x.options)
    out += "  " + padded("--" + name, 14, true) + " " + value + "\n";
  out += "\n";
  for (auto& line : x.method)
    out += line + "\n";
  for (auto& part : x.tables)
    append_table(out, part);
  if (!x.expectations.empty()) {
    table hopes{"",
                "expectations",
                {{"", "measured", 2},
                 {"", "hoped for", 0},
                 {"", "met", 0},
                 {"", "what", 0}},
                {}};
    for (auto& y : x.expectations)
      hopes.rows.push_back(
        {y.measured, (y.at_least ? ">= " : "<= ") + fixed(y.bound, 2),
         !std::isfinite(y.measured) ? cell{} : y.met(), y.text});
    append_table(out, hopes);
  }
  for (auto& line : x.failures)
    out += "\nWRONG: " + line + "\n";
  return out;
}

std::string to_json(const report& x) {
  std::string out = "{\n  \"program\": \"troupe-bench\",\n  \"subcommand\": "
                    + quoted(x.subcommand);
  out += ",\n  \"machine\": " + listed("{}", x.machine, pair_json, "  ");
  out += ",\n  \"options\": " + listed("{}", x.options, pair_json, "  ");
  out += ",\n  \"method\": " + listed("[]", x.method, quoted, "  ");
  out += ",\n  \"tables\": " + listed("{}", x.tables, table_json, "  ");
  out += ",\n  \"expectations\": "
         + listed("[]", x.expectations, expectation_json, "  ");
  out += ",\n  \"failures\": " + listed("[]", x.failures, quoted, "  ");
  return out + "\n}\n";
}

int print(const report& x, bool json) {
  auto text = json ? to_json(x) : to_text(x);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return x.failures.empty() ? succeeded : wrong_results;
}

} // namespace troupe::bench
