#include <apps/bench/common/options.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <numeric>

#include <caf/config_option_set.hpp>
#include <caf/pec.hpp>
#include <caf/settings.hpp>

namespace troupe::bench {

namespace {

std::size_t distance(std::string_view x, std::string_view y) {
  std::vector<std::size_t> row(y.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < y.size(); ++j) {
      auto change = diagonal + (x[i] == y[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// "--entries=5" → "entries"
std::string name_in(const std::string& argument) {
  auto name = argument.substr(
    std::min(argument.find_first_not_of('-'), argument.size()));
  return name.substr(0, name.find('='));
}

} // namespace

option_table& option_table::remember(target variable, std::string name,
                                     std::string help, std::string placeholder,
                                     std::function<std::string()> value) {
  auto preset = value();
  rows_.push_back({variable, std::move(name), std::move(help),
                   std::move(placeholder), std::move(preset),
                   std::move(value)});
  return *this;
}

expected<void> option_table::parse(const std::vector<std::string>& arguments) {
  auto options = arguments;
  if (words_ != nullptr) {
    auto named = [](const std::string& x) { return x.starts_with('-'); };
    auto words = std::stable_partition(options.begin(), options.end(), named);
    words_->assign(words, options.end());
    options.erase(words, options.end());
  }
  caf::config_option_set parser;
  for (const auto& x : rows_)
    std::visit([&](auto* variable) { parser.add(*variable, x.name, x.help); },
               x.variable);
  caf::settings ignored;
  auto [code, stopped_at] = parser.parse(ignored, options);
  if (code == caf::pec::success && stopped_at == options.end())
    return {};
  auto argument = stopped_at == options.end() ? std::string{} : *stopped_at;
  return tl::unexpected<error>{explain(to_string(code), argument)};
}

error option_table::explain(const std::string& reason,
                            const std::string& argument) const {
  auto name = name_in(argument);
  auto known = std::find_if(rows_.begin(), rows_.end(),
                            [&](const row& x) { return x.name == name; });
  if (!argument.starts_with("--"))
    return {errc::invalid_argument,
            "'" + argument + "' is not an option; options read --name=value"};
  if (known == rows_.end()) {
    std::vector<std::string> names;
    for (auto& x : rows_)
      names.push_back(x.name);
    auto meant = nearest(name, names);
    return {errc::invalid_argument,
            "unknown option '--" + name + "'"
              + (meant.empty() ? "" : "; did you mean '--" + meant + "'?")};
  }
  auto usage = "--" + name
               + (known->placeholder.empty() ? "" : "=" + known->placeholder);
  if (argument.find('=') == std::string::npos)
    return {errc::invalid_argument,
            "option '--" + name + "' needs a value: " + usage};
  return {errc::invalid_argument,
          "cannot read '" + argument + "' as " + usage + " (" + reason + ")"};
}

std::string option_table::usage() const {
  return words_ == nullptr ? "[options]"
                           : "[options] " + words_placeholder_ + "...";
}

std::string option_table::help() const {
  std::string result;
  for (auto& x : rows_) {
    auto usage
      = "  --" + x.name + (x.placeholder.empty() ? "" : "=" + x.placeholder);
    usage.resize(std::max(usage.size() + 2, std::size_t{24}), ' ');
    result += usage + x.help + " [" + x.preset + "]\n";
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> option_table::values() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (auto& x : rows_)
    result.emplace_back(x.name, x.value());
  return result;
}

std::string option_table::text(bool x) {
  return x ? "true" : "false";
}

std::string option_table::text(double x) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%g", x);
  return buffer;
}

std::string option_table::text(const std::string& x) {
  return x.empty() ? "all" : x;
}

std::string option_table::text(std::uint64_t x) {
  return std::to_string(x);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> result;
  std::size_t from = 0;
  while (from <= text.size()) {
    auto to = std::min(text.find(',', from), text.size());
    result.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return result;
}

std::string nearest(std::string_view word,
                    const std::vector<std::string>& candidates) {
  std::string result;
  auto best = std::max<std::size_t>(word.size() / 2, 1) + 1;
  for (auto& x : candidates) {
    auto d = distance(word, x);
    if (d < best) {
      best = d;
      result = x;
    }
  }
  return result;
}

expected<std::vector<std::uint64_t>>
number_list(const std::string& option, const std::string& text,
            std::uint64_t largest, std::uint64_t smallest) {
  std::vector<std::uint64_t> result;
  for (auto& x : split(text)) {
    std::uint64_t value = 0;
    auto [end, code] = std::from_chars(x.data(), x.data() + x.size(), value);
    if (code != std::errc{} || end != x.data() + x.size())
      return fail(errc::invalid_argument,
                  "--" + option + ": '" + x + "' is not a number");
    if (auto ok = in_range(option, value, smallest, largest); !ok)
      return tl::unexpected<error>{ok.error()};
    result.push_back(value);
  }
  return result;
}

expected<std::vector<std::string>>
word_list(const std::string& option, const std::string& text,
          const std::vector<std::string>& known) {
  if (text.empty())
    return known;
  auto result = split(text);
  for (auto& x : result)
    if (auto ok = one_of(option, x, known); !ok)
      return tl::unexpected<error>{ok.error()};
  return result;
}

expected<void> one_of(const std::string& option, const std::string& value,
                      const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end())
    return {};
  std::string all;
  for (auto& x : known)
    all += (all.empty() ? "" : ", ") + x;
  return fail(errc::invalid_argument, "--" + option + ": unknown value '"
                                        + value + "'; known values: " + all);
}

expected<void> in_range(const std::string& option, std::uint64_t value,
                        std::uint64_t smallest, std::uint64_t largest) {
  if (value >= smallest && value <= largest)
    return {};
  return fail(errc::invalid_argument,
              "--" + option + " is " + std::to_string(value)
                + ", but must be between " + std::to_string(smallest) + " and "
                + std::to_string(largest));
}

void common_options::declare(option_table& table) {
  table.add(pin, "pin", "binds thread i to processor i")
    .add(json, "json", "prints JSON instead of tables")
    .add(quick, "quick",
         "uses small sizes, for a smoke test; other options override them")
    .add(help, "help", "prints this text");
}

int complain(std::string_view subcommand, const error& reason) {
  auto name = subcommand.empty() ? std::string{"troupe-bench"}
                                 : "troupe-bench " + std::string{subcommand};
  std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name.c_str(),
               reason.text().c_str(), name.c_str());
  return bad_options;
}

} // namespace troupe::bench
