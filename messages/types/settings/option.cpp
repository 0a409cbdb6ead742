#include <troupe/messages/types/settings/option.hpp>

#include <utility>

namespace troupe::settings {

std::string option::long_name() const {
  return flat ? name : section + "." + name;
}

std::string option::spelled(std::string_view text) const {
  return "--" + long_name() + "="
         + (secret ? std::string{"***"} : std::string{text});
}

expected<void> set(const option& to, std::string_view text,
                   const std::string& where) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::invalid_argument,
                to.spelled(text) + (where.empty() ? "" : " in " + where) + ": "
                  + why);
  };
  const auto x = to.kind.read(text);
  if (!x)
    return refuse(to.kind.refusal(text));
  if (!to.take)
    return {};
  if (const auto taken = to.take(*x); !taken)
    return refuse(taken.error().text());
  return {};
}

std::vector<option_name> names_of(const std::vector<option>& options) {
  std::vector<option_name> result;
  for (const auto& x : options)
    result.push_back({x.long_name(), x.alias, x.letter, x.kind.placeholder()});
  return result;
}

const option* find(const std::vector<option>& options, std::string_view section,
                   std::string_view name) noexcept {
  for (const auto& x : options)
    if (x.section == section
        && (x.name == name || (!x.alias.empty() && x.alias == name)))
      return &x;
  return nullptr;
}

} // namespace troupe::settings
