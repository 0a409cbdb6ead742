#include <troupe/actors/shell/actor_life.hpp>

#include <utility>

#include <caf/actor_system.hpp>
#include <caf/default_attachable.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/system_messages.hpp>

#include <troupe/actors/shell/detail/logger_scope.hpp>

namespace troupe {

void monitor(const caf::strong_actor_ptr& whom,
             const caf::strong_actor_ptr& observer) {
  if (whom && observer)
    whom->get()->attach(caf::default_attachable::make_monitor(
      whom->address(), observer->address()));
}

void when_ended(const caf::strong_actor_ptr& whom, std::function<void()> f) {
  whom->get()->attach_functor(std::move(f));
}

void end_actor(const caf::strong_actor_ptr& whom, bool crash) {
  if (!whom)
    return;
  auto reason
    = crash ? caf::exit_reason::kill : caf::exit_reason::user_shutdown;
  whom->enqueue(nullptr, caf::make_message_id(),
                caf::make_message(caf::exit_msg{whom->address(), reason}),
                whom->home_system->dummy_execution_unit());
}

bool end_and_wait(caf::actor_system& system, caf::strong_actor_ptr whom,
                  std::chrono::milliseconds limit) {
  detail::logger_scope asking;
  caf::scoped_actor self{system, true};
  self->monitor(whom);
  self->send_exit(whom, caf::exit_reason::user_shutdown);
  // A handle keeps an actor alive.
  whom = nullptr;
  let_run(system);
  bool ended = false;
  self->receive([&](const caf::down_msg&) { ended = true; },
                caf::after(limit) >> [] {});
  return ended;
}

void let_run(caf::actor_system& system) {
  using caf::scheduler::test_coordinator;
  if (auto* tests = dynamic_cast<test_coordinator*>(&system.scheduler()))
    tests->run();
}

} // namespace troupe
