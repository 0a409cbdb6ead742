#include <apps/bench/common/options.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>

#include <troupe/messages/types/settings/command_line.hpp>
#include <troupe/messages/types/settings/value_kind.hpp>

namespace troupe::bench {

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
  std::vector<settings::option_name> names;
  for (const auto& x : rows_)
    names.push_back({.name = x.name, .placeholder = x.placeholder});
  auto line = settings::read_command_line(arguments, names);
  if (!line)
    return tl::unexpected<error>{std::move(line.error())};
  if (words_ == nullptr && !line->words.empty())
    return fail(errc::invalid_argument,
                "'" + line->words.front()
                  + "' is not an option; options read --name=value");
  if (words_ != nullptr)
    *words_ = std::move(line->words);
  for (const auto& x : line->arguments)
    if (auto ok = set(rows_[x.option], x.value.value_or("yes")); !ok)
      return ok;
  return {};
}

expected<void> option_table::set(const row& to, const std::string& text) {
  const auto take = [&](const settings::value_kind& kind, auto& variable) {
    const auto x = kind.read(text);
    if (!x)
      return expected<void>{
        fail(errc::invalid_argument,
             "--" + to.name + "=" + text + ": " + kind.refusal(text))};
    settings::assign(*x, variable);
    return expected<void>{};
  };
  using settings::value_kind;
  if (auto* const x = std::get_if<bool*>(&to.variable))
    return take(value_kind::flag(), **x);
  if (auto* const x = std::get_if<std::uint64_t*>(&to.variable))
    return take(value_kind::number(0, settings::most_number), **x);
  if (auto* const x = std::get_if<std::string*>(&to.variable)) {
    **x = text;
    return {};
  }
  auto& variable = *std::get<double*>(to.variable);
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, variable);
  if (code != std::errc{} || stop != end)
    return fail(errc::invalid_argument,
                "--" + to.name + "=" + text + ": allowed: a number");
  return {};
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

expected<void> in_range(std::initializer_list<bounded_option> all) {
  for (const auto& x : all)
    if (auto ok = in_range(x.name, x.value, x.smallest, x.largest); !ok)
      return ok;
  return {};
}

std::string comma_list(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& x : words)
    result += (result.empty() ? "" : ",") + x;
  return result;
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
