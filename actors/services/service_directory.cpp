#include <troupe/actors/services/service_directory.hpp>

#include <exception>
#include <utility>

#include <troupe/actors/supervision/actor_names.hpp>

namespace troupe {

service_directory::service_directory(caf::actor_system& system,
                                     supervisor& tree, watch_function watch)
  : system_(system), tree_(tree), watch_(std::move(watch)) {
  // nop
}

child_spec service_directory::spec_of(const std::shared_ptr<service>& x) const {
  child_spec result;
  result.name = x->name();
  result.parent = detail::supervisor_name;
  result.kind = x->kind();
  result.start = [x, watch = watch_, &system = system_](bool) {
    const auto started = x->start_next(system);
    watch(started);
    return started->id();
  };
  result.watch = [x, watch = watch_] { watch(x->pointer()); };
  result.end = [x](bool crash) { end_actor(x->pointer(), crash); };
  // Without its actor, the service still works with the state that it keeps itself.
  if (!x->always_restarted())
    result.give_up = [] {};
  result.figures = [x] { return x->usage(); };
  return result;
}

expected<void> service_directory::add(std::shared_ptr<service> x) {
  if (x == nullptr)
    return fail(errc::invalid_argument, "there is no service to add");
  const auto name = x->name();
  if (!detail::is_actor_name(name))
    return fail(errc::invalid_argument,
                "a service is named with "
                  + std::string{detail::actor_name_rule});
  std::lock_guard turn{turn_};
  if (refuses_)
    return fail(errc::shutting_down, "the runtime drains");
  auto next = std::make_shared<list>(*all());
  next->push_back(x);
  try {
    if (auto added = tree_.add(spec_of(x)); !added)
      return added;
  } catch (const std::exception& failure) {
    return fail(errc::system_error,
                name + " cannot be started (" + failure.what() + ")");
  }
  std::lock_guard guard{mutex_};
  all_ = std::move(next);
  return {};
}

std::shared_ptr<const service_directory::list> service_directory::all() const {
  std::lock_guard guard{mutex_};
  return all_;
}

std::shared_ptr<service> service_directory::find(std::string_view name) const {
  const auto found = all();
  for (auto& x : *found)
    if (x->name() == name)
      return x;
  return nullptr;
}

void service_directory::tick() {
  const auto found = all();
  std::lock_guard guard{ticking_};
  if (drained_)
    return;
  for (auto& x : *found)
    x->tick();
}

std::vector<std::string>
service_directory::drain(std::chrono::steady_clock::time_point deadline) {
  {
    std::lock_guard turn{turn_};
    refuses_ = true;
  }
  const auto found = all();
  std::vector<std::string> stuck;
  for (auto i = found->rbegin(); i != found->rend(); ++i)
    for (auto& text : (*i)->drain(deadline))
      stuck.push_back(std::move(text));
  std::lock_guard guard{ticking_};
  drained_ = true;
  return stuck;
}

void service_directory::forget_actors() {
  const auto found = all();
  for (auto& x : *found)
    x->forget_actor();
}

std::vector<service_info> service_directory::infos() const {
  const auto found = all();
  std::vector<service_info> result;
  for (auto& x : *found)
    result.push_back({x->name(), x->kind(), x->figures()});
  return result;
}

void service_directory::add_rows(std::string_view prefix,
                                 actor_list& to) const {
  const auto found = all();
  for (auto& x : *found)
    x->add_rows(prefix, to);
}

} // namespace troupe
