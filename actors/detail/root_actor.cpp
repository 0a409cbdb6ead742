#include <troupe/actors/detail/root_actor.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/actors/supervision/actor_names.hpp>

namespace troupe::detail {

namespace {

/// How long an actor that has nothing left to do may take to end.
constexpr std::chrono::seconds longest_end{1};

void say(const report_function& to, std::string_view what) {
  if (to)
    to(std::string{supervisor_name}.append(what));
}

} // namespace

root_actor::root_actor(caf::actor_system& system, report_function report)
  : system_(system), report_(std::move(report)) {
  // nop
}

void root_actor::start(std::weak_ptr<supervised> runtime) {
  runtime_ = std::move(runtime);
  start_next();
}

void root_actor::start_next() {
  present_.set(spawn_supervisor(system_, runtime_));
  when_ended(present_.pointer(), [weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->ended();
  });
}

void root_actor::ended() {
  {
    std::lock_guard guard{mutex_};
    if (retired_)
      return;
    ++restarts_;
  }
  say(report_, " crashed");
  start_next();
  say(report_, " runs again");
}

child_view root_actor::view() const {
  child_view result;
  result.name = supervisor_name;
  result.kind = "supervisor";
  result.state = child_state::running;
  result.restarts = restarts();
  return result;
}

std::uint64_t root_actor::restarts() const {
  std::lock_guard guard{mutex_};
  return restarts_;
}

watch_function root_actor::watch() const {
  return [this](const caf::strong_actor_ptr& whom) {
    monitor(whom, present_.pointer());
  };
}

void root_actor::retire() {
  std::lock_guard guard{mutex_};
  retired_ = true;
}

void root_actor::end() {
  auto last = present_.pointer();
  present_.clear();
  if (!end_and_wait(system_, std::move(last), longest_end) && report_)
    report_(std::string{"stuck at the end: actor "} + supervisor_name);
}

} // namespace troupe::detail
