#include <troupe/actors/shell/detail/config/ini_check.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/config_option.hpp>
#include <caf/settings.hpp>

#include <troupe/actors/shell/detail/config/logger_options.hpp>
#include <troupe/actors/shell/detail/config/secrets.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace troupe::detail {

namespace {

/// CAF's name of a type as a person would write it.
std::string expected_type(caf::string_view name) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 5>
    texts{{{"boolean", "true or false"},
           {"bool", "true or false"},
           {"timespan", "a time with a unit (500ms, 10s, 5min)"},
           {"string", "a text between double quotes"},
           {"atom", "a word between single quotes"}}};
  const std::string_view type{name.data(), name.size()};
  for (const auto& [known, text] : texts)
    if (type == known)
      return text;
  if (type.find("int") != type.npos)
    return "a whole number (" + std::string{type} + ")";
  return "of the type " + std::string{type};
}

/// The place of a section, or of a key in it, in an ini file: "line 3 of server.ini".
std::string place_of(std::string_view ini, std::string_view section,
                     std::string_view key, const std::string& name) {
  const auto trimmed = [](std::string_view x) {
    const auto* blanks = " \t\r";
    const auto first = x.find_first_not_of(blanks);
    return first == x.npos
             ? std::string_view{}
             : x.substr(first, x.find_last_not_of(blanks) - first + 1);
  };
  auto inside = false;
  for (std::size_t line = 1; !ini.empty(); ++line) {
    const auto end = std::min(ini.find('\n'), ini.size());
    const auto text = trimmed(ini.substr(0, end));
    ini.remove_prefix(std::min(end + 1, ini.size()));
    if (text.starts_with('['))
      inside = trimmed(text.substr(1, text.find(']') - 1)) == section;
    const auto found = key.empty()
                         ? text.starts_with('[')
                         : trimmed(text.substr(0, text.find('='))) == key;
    if (inside && found)
      return "line " + std::to_string(line) + " of " + name;
  }
  return name;
}

std::vector<std::string> keys_of(const caf::config_option_set& options,
                                 const std::string& section) {
  std::vector<std::string> result;
  for (auto& x : options)
    if (section == std::string_view{x.category().data(), x.category().size()})
      result.emplace_back(x.long_name().data(), x.long_name().size());
  return result;
}

expected<void> check_section(const caf::config_option_set& options,
                             const std::string& section,
                             const caf::settings& values,
                             const std::string& ini, const std::string& name) {
  std::set<std::string> known;
  for (auto& x : options)
    known.emplace(x.category().data(), x.category().size());
  if (!has_logger && section == logger_group)
    return fail(errc::invalid_argument, "[" + section + "] in "
                                          + place_of(ini, section, {}, name)
                                          + no_logger);
  if (!known.contains(section)) {
    std::string all;
    for (auto& x : known)
      all.append(all.empty() ? "" : ", ").append(x);
    return fail(errc::invalid_argument,
                "unknown section [" + section + "] in "
                  + place_of(ini, section, {}, name)
                  + did_you_mean(section, {known.begin(), known.end()})
                  + "; there are " + all);
  }
  for (auto& [key, value] : values) {
    auto option = options.qualified_name_lookup(section, key);
    if (option == nullptr)
      return fail(errc::invalid_argument,
                  "unknown option " + section + "." + key + " in "
                    + place_of(ini, section, key, name)
                    + did_you_mean(key, keys_of(options, section)));
    if (option->check(value))
      return fail(errc::invalid_argument,
                  section + "." + key + " is "
                    + (is_secret(key) ? mask : to_string(value)) + " in "
                    + place_of(ini, section, key, name) + ", but must be "
                    + expected_type(option->type_name()));
  }
  return {};
}

} // namespace

expected<void> check_ini(const caf::config_option_set& known,
                         const std::string& ini, const std::string& name) {
  std::istringstream file{ini};
  auto bare = caf::actor_system_config::parse_config(file);
  if (!bare)
    return {};
  for (auto& [section, entries] : *bare) {
    const auto* values = caf::get_if<caf::settings>(&entries);
    if (values == nullptr)
      return fail(errc::invalid_argument,
                  section + " stands in no section of " + name
                    + "; options stand below one, as [troupe]");
    if (auto ok = check_section(known, section, *values, ini, name); !ok)
      return ok;
  }
  return {};
}

} // namespace troupe::detail
