#include <troupe/messages/types/settings/command_line.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include <troupe/messages/types/text/suggest.hpp>

namespace troupe::settings {

namespace {

/// An argument, split into its name and its value: "--port" and "7000".
struct named {
  std::string name;
  std::optional<std::string> value;
};

named split(const std::string& argument) {
  // "-p7000" and "-p=7000".
  if (!argument.starts_with("--")) {
    if (argument.size() == 2)
      return {argument, std::nullopt};
    return {argument.substr(0, 2), argument.substr(argument[2] == '=' ? 3 : 2)};
  }
  const auto sign = argument.find('=');
  if (sign == std::string::npos)
    return {argument, std::nullopt};
  return {argument.substr(0, sign), argument.substr(sign + 1)};
}

bool fits(const option_name& known, std::string_view name) {
  if (!name.starts_with("--"))
    return known.letter != 0 && name[1] == known.letter;
  name.remove_prefix(2);
  return name == known.name || (!known.alias.empty() && name == known.alias);
}

tl::unexpected<error> unknown(const std::string& argument,
                              const std::string& name,
                              const std::vector<option_name>& known) {
  std::vector<std::string> names;
  for (const auto& x : known)
    for (const auto& i : {x.name, x.alias})
      if (!i.empty())
        names.push_back(i);
  const auto first = name.find_first_not_of('-');
  const auto meant = first == name.npos
                       ? std::string{}
                       : nearest(std::string_view{name}.substr(first), names);
  return fail(errc::invalid_argument,
              "unknown option " + argument
                + (meant.empty() ? "" : "; did you mean '--" + meant + "'?"));
}

} // namespace

expected<command_line>
read_command_line(const std::vector<std::string>& arguments,
                  const std::vector<option_name>& known) {
  command_line result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (argument == "--") {
      result.words.insert(result.words.end(),
                          arguments.begin()
                            + static_cast<std::ptrdiff_t>(i + 1),
                          arguments.end());
      break;
    }
    if (argument.size() < 2 || argument.front() != '-') {
      result.words.push_back(argument);
      continue;
    }
    auto [name, value] = split(argument);
    const auto found
      = std::find_if(known.begin(), known.end(),
                     [&](const option_name& x) { return fits(x, name); });
    if (found == known.end())
      return unknown(argument, name, known);
    if (found->placeholder.empty() && value && !name.starts_with("--"))
      return unknown(argument, name, known);
    if (!found->placeholder.empty() && !value) {
      if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--"))
        return fail(errc::invalid_argument, name + " needs a value: --"
                                              + found->name + "="
                                              + found->placeholder);
      value = arguments[++i];
    }
    result.arguments.push_back({static_cast<std::size_t>(found - known.begin()),
                                std::move(value), std::move(name)});
  }
  return result;
}

} // namespace troupe::settings
