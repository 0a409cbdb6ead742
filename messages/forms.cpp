#include <troupe/messages/forms.hpp>

#include <algorithm>
#include <map>

#include <troupe/messages/detail/form_maker.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

namespace detail {

namespace {

std::string list_of(const std::vector<leaf_form>& leaves) {
  std::string result;
  for (const auto& x : leaves)
    result += (result.empty() ? "" : " ") + x.form.text();
  return result;
}

tl::unexpected<error> wrong(std::string_view message, const std::string& why) {
  return fail(errc::invalid_argument, std::string{message} + ": " + why);
}

} // namespace

expected<std::vector<std::pair<std::size_t, std::string_view>>>
assign(std::string_view message, const std::vector<leaf_form>& leaves,
       word_span words) {
  std::vector<std::pair<std::size_t, std::string_view>> result;
  std::vector<bool> given(leaves.size());
  auto named = [&](std::string_view word) {
    const auto name = word.substr(0, word.find('='));
    return std::find_if(leaves.begin(), leaves.end(), [&](auto& x) {
      return name.size() < word.size() && x.form.name == name;
    });
  };
  std::size_t next = 0;
  for (std::string_view word : words) {
    auto which = next;
    if (const auto i = named(word); i != leaves.end()) {
      which = static_cast<std::size_t>(i - leaves.begin());
      word.remove_prefix(i->form.name.size() + 1);
      if (given[which] && !i->takes_many)
        return wrong(message, i->form.name + " is given twice");
    } else {
      while (next < leaves.size() && given[next] && !leaves[next].takes_many)
        ++next;
      if (next == leaves.size())
        return wrong(message, "too many values; it takes " + list_of(leaves));
      which = next;
    }
    given[which] = true;
    result.emplace_back(which, word);
  }
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (leaves[i].form.needed && !given[i])
      return wrong(message, leaves[i].form.name + " is missing; it takes "
                              + list_of(leaves));
  return result;
}

tl::unexpected<error> wrong_value(std::string_view message,
                                  const leaf_form& which,
                                  std::string_view text) {
  return wrong(message, which.form.name + " is '" + std::string{text}
                          + "', but must be " + which.hint);
}

tl::unexpected<error> wrong_answer(std::string_view message) {
  return fail(errc::decode_failed,
              "the answer to " + std::string{message}
                + " is of another type; the peer may run another version");
}

} // namespace detail

std::string field_form::text() const {
  const auto both = name + ":" + type;
  return needed ? both : "[" + both + "=" + usual + "]";
}

const std::vector<message_form>& forms_of(std::string_view kind) {
  static const std::vector<message_form> none;
  static const std::map<std::string_view, std::vector<message_form>> all{
    {"shard", detail::forms_of(shard_actor::signatures{})},
    {"region", detail::forms_of(region_actor::signatures{})},
    {"load-coordinator",
     detail::forms_of(load_coordinator_actor::signatures{})},
    {"supervisor", detail::forms_of(supervisor_actor::signatures{})},
  };
  const auto i = all.find(kind);
  return i == all.end() ? none : i->second;
}

const message_form* find_form(const std::vector<message_form>& all,
                              std::string_view name) {
  name = detail::message_name(name);
  for (const auto& x : all)
    if (x.name == name)
      return &x;
  return nullptr;
}

} // namespace troupe
