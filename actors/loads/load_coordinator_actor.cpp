#include <troupe/actors/loads/load_coordinator_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/shell/service_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/actors/supervision/actor_names.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/interfaces.hpp>

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
      [this](const list_breakers_request& x) { return on_breakers(x); },
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

  breaker_list on_breakers(const list_breakers_request& what) {
    breaker_list result;
    auto all = loads_->breakers().list(loads_->now());
    result.total = all.size();
    all.resize(std::min<std::uint64_t>(all.size(), what.limit));
    for (auto& x : all)
      result.breakers.push_back(
        {std::move(x.name), std::string{to_string(x.state)}, x.failures,
         x.opened, x.refused,
         std::chrono::ceil<std::chrono::milliseconds>(x.remaining)});
    return result;
  }

  caf::result<void> on_cancel(const cancel_load_request& x) {
    return to_result(loads_->cancel(x.id));
  }

  std::shared_ptr<load_coordinator> loads_;
};

/// Loads that a report of a drain names; it counts the others.
constexpr std::size_t most_stuck_named = 100;

class load_service final : public typed_service<load_coordinator_actor> {
public:
  explicit load_service(std::shared_ptr<load_coordinator> loads)
    : loads_(std::move(loads)) {
    // nop
  }

  std::string name() const override {
    return detail::coordinator_name;
  }

  std::string kind() const override {
    return "load-coordinator";
  }

  /// Loads go on without it, so there is nothing to give up.
  bool always_restarted() const override {
    return true;
  }

  child_figures usage() const override {
    return {0, loads_->counted().duration.counts().count(), 0, 0};
  }

  std::vector<service_figure> figures() const override {
    return {{"in_flight", loads_->in_flight()},
            {"loader_threads", loads_->workers().threads()},
            {"waiting_jobs", loads_->workers().waiting()}};
  }

  void tick() override {
    loads_->tick();
  }

  std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline) override {
    auto stuck = loads_->drain(deadline);
    if (const auto found = stuck.size(); found > most_stuck_named) {
      stuck.resize(most_stuck_named);
      stuck.push_back(std::to_string(found - most_stuck_named) + " more loads");
    }
    return stuck;
  }

protected:
  load_coordinator_actor start_actor(caf::actor_system& system) override {
    return spawn_hidden<load_coordinator_shell>(system, loads_);
  }

private:
  std::shared_ptr<load_coordinator> loads_;
};

} // namespace

std::shared_ptr<service>
make_load_service(std::shared_ptr<load_coordinator> loads) {
  return std::make_shared<load_service>(std::move(loads));
}

} // namespace troupe
