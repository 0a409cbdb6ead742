#include <troupe/messages/detail/form_words.hpp>

#include <algorithm>

namespace troupe::detail {

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
       const std::vector<std::string>& words) {
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

} // namespace troupe::detail
