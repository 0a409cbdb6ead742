#include <troupe/messages/interface_forms.hpp>

#include <map>

#include <troupe/messages/caf/detail/form_maker.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

namespace {

using form_map = std::map<std::string_view, std::vector<message_form>>;

form_map make_all() {
  form_map result;
  for_each_interface([&]<class Handle>(const char* kind, const char*) {
    result.emplace(kind, detail::make_forms<Handle>());
  });
  return result;
}

} // namespace

const std::vector<message_form>& forms_of(std::string_view kind) {
  static const std::vector<message_form> none;
  static const form_map all = make_all();
  const auto i = all.find(kind);
  return i == all.end() ? none : i->second;
}

} // namespace troupe
