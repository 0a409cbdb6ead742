#include <troupe/actors/shell/detail/config/secrets.hpp>

#include <string>

namespace troupe::detail {

bool is_secret(std::string_view option) {
  return option.ends_with("password") || option.ends_with("passphrase")
         || option.ends_with("-pass");
}

void hide_secrets(caf::settings& all) {
  for (auto& [key, value] : all) {
    if (auto* section = caf::get_if<caf::settings>(&value))
      hide_secrets(*section);
    else if (auto* text = caf::get_if<std::string>(&value);
             is_secret(key) && (text == nullptr || !text->empty()))
      value = caf::config_value{std::string{mask}};
  }
}

} // namespace troupe::detail
