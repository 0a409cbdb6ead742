#include <troupe/actors/shell/detail/config/option_access.hpp>

#include <algorithm>

#include <troupe/messages/types/text/suggest.hpp>

namespace troupe::detail {

expected<void> check_option_names(const caf::settings& all,
                                  const std::string& group,
                                  const std::vector<std::string>& known) {
  const auto section = caf::get_if<caf::settings>(&all, group);
  if (!section)
    return {};
  for (const auto& entry : *section)
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      return fail(errc::invalid_argument, "unknown option " + group + "."
                                            + entry.first
                                            + did_you_mean(entry.first, known));
  return {};
}

} // namespace troupe::detail
