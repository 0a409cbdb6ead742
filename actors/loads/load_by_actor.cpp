#include <troupe/actors/loads/load_by_actor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

using stop_callback = std::stop_callback<std::function<void()>>;
using load_done = std::function<void(expected<std::optional<bytes>>)>;

/// What keeps the actor of a request, until its answer or the end of the load. Nobody
/// else refers to it when the actor that it asked dies.
struct leash {
  caf::actor held;
  std::optional<stop_callback> ends;
};

/// Passes on what the actor says of its value.
void finish_load(load_context& context, load_value_reply& x,
                 const load_done& done) {
  if (x.ttl > x.ttl.zero())
    context.ttl(x.ttl);
  for (const auto& name : x.tags)
    context.tag(name);
  if (x.unchanged)
    context.unchanged();
  context.store(x.stored);
  done(x.found ? std::optional<bytes>{std::move(x.value)} : std::nullopt);
}

} // namespace

deferred_loader load_by_actor(caf::actor_system& system, loader_actor whom) {
  return [&system, whom = std::move(whom)](
           const std::shared_ptr<load_context>& context, load_done done) {
    load_value_request what{context->key(), context->attempt(), false, {}};
    if (const auto stale = context->stale_value()) {
      what.has_stale = true;
      what.stale = bytes{*stale};
    }
    // An actor that lives for this request, until the load ends at the latest.
    auto kept = std::make_shared<leash>();
    const auto courier = system.spawn<caf::hidden>(
      [whom, context, what = std::move(what), done = std::move(done),
       kept](caf::event_based_actor* self) {
        // An actor that ends owes the answer: nobody else would say so.
        self->set_down_handler([self, done](const caf::down_msg&) {
          done(fail(errc::load_failed, "the loader's actor has ended"));
          self->quit();
        });
        self->monitor(whom);
        self->request(whom, caf::infinite, what)
          .then([context, done,
                 kept](load_value_reply& x) { finish_load(*context, x, done); },
                [done](const caf::error& why) {
                  done(tl::unexpected{from_caf(why)});
                });
      });
    kept->held = courier;
    kept->ends.emplace(context->stop(), [who = courier.address()] {
      if (const auto x = caf::actor_cast<caf::strong_actor_ptr>(who))
        caf::anon_send_exit(x, caf::exit_reason::kill);
    });
  };
}

} // namespace troupe
