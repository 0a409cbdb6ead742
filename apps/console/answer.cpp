#include "apps/console/answer.hpp"

#include <string_view>

namespace troupe::console {

std::string text_of(const failure& x) {
  // No server has answered, so that there is no error code.
  if (x.code == not_connected)
    return "error: " + x.reason.text() + "\n";
  return "error: " + to_string(x.reason) + "\n";
}

json_object json_of(const failure& x) {
  const auto code = x.code == not_connected ? std::string_view{"not_connected"}
                                            : to_string(x.reason.code());
  return json_object{}.add("error", code).add("text", x.reason.text());
}

} // namespace troupe::console
