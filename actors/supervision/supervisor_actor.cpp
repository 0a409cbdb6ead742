#include <troupe/actors/supervision/supervisor_actor.hpp>

#include <set>
#include <utility>

#include <caf/abstract_actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/messages/types/text/printable.hpp>
#include <troupe/actors/shell/detail/unexpected.hpp>
#include <troupe/actors/supervision/node_book.hpp>
#include <troupe/messages/caf_error.hpp>

namespace troupe {

/// A drain is over. Of a type that CAF does not send over the network.
struct drain_ended {
  drain_report report;
};

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::drain_ended)

namespace troupe {

namespace {

/// Whether an actor, or what stands for it in this process, has ended. One that has
/// says so before its death is reported.
bool has_ended(const caf::actor_addr& x) {
  const auto still = caf::actor_cast<caf::strong_actor_ptr>(x);
  return !still || still->get()->getf(caf::abstract_actor::is_terminated_flag);
}

using shell_interface = supervisor_actor::extend<
  // A drain is over.
  caf::reacts_to<drain_ended>>;

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

class supervisor_shell final : public shell_interface::base {
public:
  supervisor_shell(caf::actor_config& cfg, std::weak_ptr<supervised> runtime)
    : shell_interface::base(cfg), runtime_(std::move(runtime)) {
    detail::report_unexpected(*this);
    set_down_handler(
      [this](caf::scheduled_actor*, caf::down_msg& x) { on_down(x); });
  }

  const char* name() const override {
    return "troupe.supervisor";
  }

  behavior_type make_behavior() override {
    if (auto runtime = runtime_.lock())
      runtime->tree().watch_all();
    return {
      [this](list_loads_request& x) { return forward<load_list>(x); },
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
      [this](const drain_ended& x) { on_drained(x.report); },
    };
  }

  /// Whoever waits learns nothing more from here.
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
    auto loads = runtime ? runtime->coordinator() : load_coordinator_actor{};
    if (!loads)
      return gone();
    return delegate(loads, std::move(x));
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
    runtime->add_shown(x.prefix, result);
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
        x.deadline, [self = caf::actor_cast<caf::strong_actor_ptr>(this)](
                      drain_report report) {
          caf::anon_send(caf::actor_cast<shell_interface>(self),
                         drain_ended{std::move(report)});
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
      return {std::move(root.kind),
              caf::actor_cast<caf::strong_actor_ptr>(this)};
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

  static caf::error gone() {
    return to_caf({errc::shutting_down, "the runtime drains or has ended"});
  }

  /// What every request begins with.
  std::shared_ptr<supervised> begin() {
    if (auto& asker = current_sender(); asker && asker->node() != node())
      note(asker);
    return runtime_.lock();
  }

  /// Writes down who asks from another node.
  void note(const caf::strong_actor_ptr& asker) {
    auto id = to_string(asker->node());
    const auto is_new = nodes_.asked(id, asker->id(), clock::steady().now());
    if (is_new.actor)
      monitor(asker);
    if (!is_new.node)
      return;
    ++locating_;
    request(system().middleman().actor_handle(), caf::infinite, caf::get_atom_v,
            asker->node())
      .then(
        [this, id](const caf::node_id&, const std::string& host,
                   std::uint16_t port) {
          // One that came by a Unix socket has no port.
          if (!host.empty())
            nodes_.locate(id,
                          port == 0 ? host : host + ":" + std::to_string(port));
          on_located();
        },
        // The node is gone already; that it went is reported, too.
        [this](const caf::error&) { on_located(); });
  }

  [[nodiscard]] node_list list_nodes(std::uint64_t limit) const {
    node_list result;
    result.self = to_string(system().node());
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

  /// A peer can write such a message: it may name no actor, or one that lives.
  void on_down(const caf::down_msg& x) {
    if (!x.source || !has_ended(x.source))
      return;
    if (x.source.node() != node())
      return nodes_.gone(to_string(x.source.node()), x.source.id());
    if (auto runtime = runtime_.lock())
      runtime->tree().ended(x.source.id(),
                            // The context of an error may be anything.
                            printable(system().render(x.reason)));
  }

  /// The middleman has said where a node is, or that it does not know.
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
  std::size_t locating_ = 0; ///< Questions to the middleman under way.
  /// Who wants the list when these are answered.
  std::vector<std::pair<caf::response_promise, std::uint64_t>> listing_;
};

} // namespace

void end_actor(const caf::strong_actor_ptr& whom, bool crash) {
  if (!whom)
    return;
  auto reason
    = crash ? caf::exit_reason::kill : caf::exit_reason::user_shutdown;
  whom->enqueue(nullptr, caf::make_message_id(),
                caf::make_message(caf::exit_msg{whom->address(), reason}),
                whom->home_system->dummy_execution_unit());
}

supervisor_actor spawn_supervisor(caf::actor_system& system,
                                  std::weak_ptr<supervised> runtime) {
  return system.spawn<supervisor_shell, caf::hidden>(std::move(runtime));
}

} // namespace troupe
