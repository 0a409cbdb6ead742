// The commands about loads and their circuit breakers.

#include "apps/console/session.hpp"
#include "apps/console/text/json.hpp"
#include "apps/console/views/load_views.hpp"

namespace troupe::console {

namespace {

std::string as_line(const json_object& x) {
  return x.text() + "\n";
}

} // namespace

answer<std::string> session::on(const loads_command&) {
  return peer_.ask(list_loads_request{}).map([this](const load_list& x) {
    return json_ ? as_line(json_of(x)) : text_of(x, width_);
  });
}

answer<std::string> session::on(const breakers_command&) {
  return peer_.ask(list_breakers_request{}).map([this](const breaker_list& x) {
    return json_ ? as_line(json_of(x)) : text_of(x, width_);
  });
}

answer<std::string> session::on(const cancel_command& x) {
  return peer_.ask(cancel_load_request{x.load}).map([&] {
    return json_ ? as_line(json_object{}.add("cancelled", x.load))
                 : "cancelled load " + std::to_string(x.load) + "\n";
  });
}

} // namespace troupe::console
