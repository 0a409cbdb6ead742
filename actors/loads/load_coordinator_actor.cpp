#include <troupe/actors/loads/load_coordinator_actor.hpp>

#include <chrono>
#include <utility>

#include <troupe/actors/shell/service_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/actors/supervision/actor_names.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

load_info row(const load_view& x) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return {x.id,
          x.region,
          x.key,
          duration_cast<milliseconds>(x.age),
          duration_cast<milliseconds>(x.remaining),
          x.attempt,
          x.waiters,
          x.fenced};
}

class load_coordinator_shell final
  : public service_actor<load_coordinator_actor> {
public:
  load_coordinator_shell(caf::actor_config& cfg,
                         std::shared_ptr<load_coordinator> loads)
    : service_actor(cfg), loads_(std::move(loads)) {
    // nop
  }

  const char* name() const override {
    return "troupe.load-coordinator";
  }

  behavior_type make_behavior() override {
    return {
      [this](const list_loads_request& x) { return on_list(x); },
      [this](const cancel_load_request& x) { return on_cancel(x); },
    };
  }

private:
  load_list on_list(const list_loads_request& x) {
    auto [views, total] = loads_->list(x.limit);
    load_list result;
    result.total = total;
    for (auto& view : views)
      result.loads.push_back(row(view));
    return result;
  }

  caf::result<void> on_cancel(const cancel_load_request& x) {
    return to_result(loads_->cancel(x.id));
  }

  std::shared_ptr<load_coordinator> loads_;
};

} // namespace

child_spec supervised_load_coordinator(
  caf::actor_system& system, std::string parent,
  std::shared_ptr<load_coordinator> loads,
  std::shared_ptr<actor_slot<load_coordinator_actor>> where,
  watch_function watch) {
  child_spec result;
  result.name = detail::coordinator_name;
  result.parent = std::move(parent);
  result.kind = "load-coordinator";
  result.start = [=, &system](bool) {
    load_coordinator_actor actor
      = spawn_hidden<load_coordinator_shell>(system, loads);
    where->set(actor);
    watch(where->pointer());
    return actor->id();
  };
  result.watch = [=] { watch(where->pointer()); };
  result.end = [=](bool crash) { end_actor(where->pointer(), crash); };
  // Loads continue without the actor, so nothing is given up.
  result.give_up = nullptr;
  result.figures = [loads] {
    auto& mailbox = loads->mailbox();
    return child_figures{mailbox.depth(), mailbox.handled(), 0, 0};
  };
  return result;
}

} // namespace troupe
