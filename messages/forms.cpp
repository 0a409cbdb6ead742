#include <troupe/messages/forms.hpp>

namespace troupe {

std::string field_form::text() const {
  const auto both = name + ":" + type;
  return needed ? both : "[" + both + "=" + usual + "]";
}

const message_form* find_form(const std::vector<message_form>& all,
                              std::string_view name) {
  name = message_name(name);
  for (const auto& x : all)
    if (x.name == name)
      return &x;
  return nullptr;
}

} // namespace troupe
