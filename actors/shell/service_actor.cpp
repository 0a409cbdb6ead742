#include <troupe/actors/shell/service_actor.hpp>

#include <caf/abstract_actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/message_view.hpp>
#include <caf/result.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>

#include <troupe/actors/shell/detail/unexpected.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe::detail {

/// The message of `in_turn`. CAF does not send its type over the network.
struct service_turn {
  std::function<void()> run;
};

} // namespace troupe::detail

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::detail::service_turn)

namespace troupe::detail {

namespace {

caf::result<caf::message> take_turn(caf::scheduled_actor* self,
                                    caf::message_view& x) {
  auto& content = x.content();
  if (!content.match_elements<service_turn>())
    return take_unexpected(self, x);
  content.get_as<service_turn>(0).run();
  return caf::message{};
}

/// Whether an actor, or its proxy in this process, has ended. It is marked as ended
/// before its death is reported.
bool has_ended(const caf::actor_addr& x) {
  const auto still = caf::actor_cast<caf::strong_actor_ptr>(x);
  return !still || still->get()->getf(caf::abstract_actor::is_terminated_flag);
}

} // namespace

void prepare_service(caf::scheduled_actor& self) {
  report_unexpected(self);
  self.set_default_handler(take_turn);
}

void set_death_handler(caf::scheduled_actor& self,
                       std::function<void(const actor_death&)> f) {
  self.set_down_handler(
    [f = std::move(f)](caf::scheduled_actor* observer, caf::down_msg& x) {
      if (!x.source || !has_ended(x.source))
        return;
      actor_death result;
      result.id = x.source.id();
      if (x.source.node() != observer->node())
        result.node = to_string(x.source.node());
      else
        // The context of an error may have any content.
        result.reason = printable(observer->system().render(x.reason));
      f(result);
    });
}

void send_turn(const caf::strong_actor_ptr& whom, std::function<void()> f) {
  caf::anon_send(caf::actor_cast<caf::actor>(whom), service_turn{std::move(f)});
}

turn_function make_turns(const caf::strong_actor_ptr& whom) {
  return [weak = caf::actor_cast<caf::weak_actor_ptr>(whom)](
           std::function<void()> f) {
    if (const auto present = weak.lock())
      send_turn(present, std::move(f));
  };
}

} // namespace troupe::detail
