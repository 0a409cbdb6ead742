#include <troupe/actors/supervision/supervisor_actor.hpp>

#include <utility>

#include <caf/actor_cast.hpp>

#include <troupe/actors/shell/peers.hpp>
#include <troupe/actors/shell/service_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/actors/supervision/actor_names.hpp>
#include <troupe/actors/supervision/metric_rows.hpp>
#include <troupe/actors/supervision/node_book.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

actor_info row(const child_view& x) {
  return {x.name,
          x.parent,
          x.kind,
          std::string{to_string(x.state)},
          x.figures.mailbox_depth,
          x.figures.handled,
          x.restarts,
          x.figures.bytes,
          x.figures.keys,
          0};
}

class supervisor_shell final : public service_actor<supervisor_actor> {
public:
  supervisor_shell(caf::actor_config& cfg, std::weak_ptr<supervised> runtime)
    : service_actor(cfg), runtime_(std::move(runtime)) {
    on_deaths([this](const actor_death& x) { on_death(x); });
  }

  const char* name() const override {
    return "troupe.supervisor";
  }

  behavior_type make_behavior() override {
    if (auto runtime = runtime_.lock())
      runtime->tree().watch_all();
    return {
      [this](list_loads_request& x) { return forward<load_list>(x); },
      [this](list_breakers_request& x) { return forward<breaker_list>(x); },
      [this](cancel_load_request& x) { return forward<void>(x); },
      [this](const list_actors_request& x) { return on_list(x); },
      [this](const runtime_stat_request& x) { return on_stat(x); },
      [this](const kill_request& x) { return on_kill(x); },
      [this](const restart_request& x) { return on_restart(x); },
      [this](const drain_request& x) { return on_drain(x); },
      [this](const region_info_request& x) { return on_info(x); },
      [this](const find_region_request& x) { return on_find(x); },
      [this](const find_actor_request& x) { return on_find_actor(x); },
      [this](const list_nodes_request& x) { return on_list_nodes(x); },
      [this](const list_metrics_request& x) { return on_list_metrics(x); },
    };
  }

  /// Waiting requesters get no reply from this actor any more.
  void on_exit() override {
    for (auto& promise : std::exchange(draining_, {}))
      promise.deliver(gone());
    for (auto& [promise, limit] : std::exchange(listing_, {}))
      promise.deliver(gone());
  }

private:
  // -- requests ----------------------------------------------------------------

  template <class Reply, class Request>
  caf::result<Reply> forward(Request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    auto loads = runtime->find_actor(detail::coordinator_name);
    if (!loads)
      return to_caf(loads.error());
    return delegate(caf::actor_cast<load_coordinator_actor>(loads->who),
                    std::move(x));
  }

  caf::result<actor_list> on_list(const list_actors_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    actor_list result;
    auto root = runtime->root();
    if (std::string_view{root.name}.starts_with(x.prefix))
      result.actors.push_back(row(root));
    for (auto& child : runtime->tree().list(x.prefix))
      result.actors.push_back(row(child));
    runtime->add_rows(x.prefix, result);
    return result;
  }

  caf::result<runtime_stat> on_stat(const runtime_stat_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    return runtime->stat(x.with_regions);
  }

  caf::result<void> on_kill(const kill_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    if (x.name == runtime->root().name)
      return to_caf({errc::invalid_argument,
                     "the supervisor itself cannot be killed by message; to "
                     "end the runtime, drain it"});
    return to_result(runtime->tree().kill(x.name));
  }

  caf::result<void> on_restart(const restart_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    if (x.name == runtime->root().name)
      return to_caf({errc::invalid_argument,
                     "the supervisor is running; when it dies, it is started "
                     "again at once"});
    return to_result(runtime->tree().restart(x.name));
  }

  caf::result<drain_report> on_drain(const drain_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    if (x.deadline < x.deadline.zero())
      return to_caf({errc::invalid_argument,
                     "the deadline is negative; 0 means the configured one"});
    auto promise = make_response_promise();
    draining_.push_back(promise);
    if (draining_.size() == 1)
      runtime->drain_then(
        x.deadline, [this, keep = strong_self()](const drain_report& report) {
          in_turn([this, report] { on_drained(report); });
        });
    return promise;
  }

  caf::result<region_info> on_info(const region_info_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    return to_result(runtime->info(x.name));
  }

  caf::result<region_actor> on_find(const find_region_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    return to_result(runtime->front(x.name));
  }

  caf::result<std::string, caf::strong_actor_ptr>
  on_find_actor(const find_actor_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    if (auto root = runtime->root(); x.name == root.name)
      return {std::move(root.kind), strong_self()};
    auto found = runtime->find_actor(x.name);
    if (!found)
      return to_caf(found.error());
    return {std::move(found->kind), std::move(found->who)};
  }

  caf::result<node_list> on_list_nodes(const list_nodes_request& x) {
    begin();
    if (locating_ == 0)
      return list_nodes(x.limit);
    auto promise = make_response_promise();
    listing_.emplace_back(promise, x.limit);
    return promise;
  }

  caf::result<metric_list> on_list_metrics(const list_metrics_request& x) {
    auto runtime = begin();
    if (!runtime)
      return gone();
    return rows_of(runtime->metrics(), x);
  }

  static caf::error gone() {
    return to_caf({errc::shutting_down, "the runtime drains or has ended"});
  }

  /// The first step of every request.
  std::shared_ptr<supervised> begin() {
    if (auto asker = sending_peer(*this))
      note(*asker);
    return runtime_.lock();
  }

  /// Records the actor of another node that sends a request.
  void note(const peer_actor& asker) {
    const auto is_new
      = nodes_.asked(asker.node, asker.id, clock::steady().now());
    if (is_new.actor)
      watch_sender(*this);
    if (!is_new.node)
      return;
    ++locating_;
    locate_sender(*this, [this, id = asker.node](const std::string& address) {
      // The node may have ended already, which is reported, too.
      if (!address.empty())
        nodes_.locate(id, address);
      on_located();
    });
  }

  [[nodiscard]] node_list list_nodes(std::uint64_t limit) const {
    node_list result;
    result.self = to_string(node());
    result.total = nodes_.size();
    const auto now = clock::steady().now();
    for (auto& row : nodes_.list(limit))
      result.nodes.push_back(
        {std::move(row.id), std::move(row.address),
         std::chrono::duration_cast<std::chrono::milliseconds>(now - row.since),
         row.requests, row.actors});
    return result;
  }

  // -- events ------------------------------------------------------------------

  void on_death(const actor_death& x) {
    if (!x.node.empty())
      return nodes_.gone(x.node, x.id);
    if (auto runtime = runtime_.lock())
      runtime->tree().ended(x.id, x.reason);
  }

  /// The middleman has reported a node's address, or that it is unknown.
  void on_located() {
    if (--locating_ == 0)
      for (auto& [promise, limit] : std::exchange(listing_, {}))
        promise.deliver(list_nodes(limit));
  }

  void on_drained(const drain_report& x) {
    for (auto& promise : std::exchange(draining_, {}))
      promise.deliver(x);
  }

  std::weak_ptr<supervised> runtime_;
  std::vector<caf::response_promise> draining_;

  node_book nodes_;
  std::size_t locating_ = 0; ///< Requests to the middleman in progress.
  /// Requesters of the list; they get it when no such request is in progress.
  std::vector<std::pair<caf::response_promise, std::uint64_t>> listing_;
};

} // namespace

supervisor_actor spawn_supervisor(caf::actor_system& system,
                                  std::weak_ptr<supervised> runtime) {
  return spawn_hidden<supervisor_shell>(system, std::move(runtime));
}

} // namespace troupe
