#include <troupe/actors/detail/runtime_core.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <troupe/actors/loads/load_coordinator_actor.hpp>
#include <troupe/actors/loads/load_metrics.hpp>
#include <troupe/actors/regions/detail/region_metrics.hpp>
#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/shell/detail/logger_scope.hpp>
#include <troupe/actors/supervision/actor_names.hpp>
#include <troupe/actors/supervision/process.hpp>
#include <troupe/actors/topics/topic_metrics.hpp>
#include <troupe/actors/topics/topics_actor.hpp>
#include <troupe/actors/version.hpp>
#include <troupe/messages/types/defaults.hpp>

namespace troupe::detail {

namespace {

/// How long an actor that has nothing left to do may take to end, whatever the
/// deadline of the drain was. Thousands of times what it takes.
constexpr std::chrono::seconds last_turn{1};

/// Actors that a report of a drain names; it counts the others.
constexpr std::size_t most_stuck_named = 100;

/// Clockwork ticks between two looks at who evicts how much: a tenth of a second.
constexpr unsigned ticks_per_rebalance = 5;

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin);
}

} // namespace

runtime_core::runtime_core(caf::actor_system& system,
                           const runtime_options& options)
  : system_(system),
    options_(options),
    executor_(std::make_shared<lane_scheduler>(system)),
    loads_(std::make_shared<load_coordinator>(
      *options.time, options.loader_threads, options.loader_queue)),
    root_(std::make_shared<root_actor>(system, options.report)),
    tree_(*options.time, options.restart_limit, options.restart_window,
          options.report),
    services_(system, tree_, root_->watch()),
    regions_({system, options_, tree_, root_->watch(), executor_, loads_}),
    topic_hub_(std::make_shared<topic_hub>(
      std::shared_ptr<worker_pool>{loads_, &loads_->workers()})),
    topic_service_(make_topic_service(topic_hub_)),
    consoles_(system, [root = root_] { return root->get(); }),
    unexpected_(system, options.report) {
  // nop
}

void runtime_core::start() {
  // First, as this is what may throw.
  show_metrics();
  clockwork_.emplace(defaults::tick, [this] { tick(); });
  memory_ = std::jthread{
    [](std::stop_token stop) { keep_memory_ready(std::move(stop)); }};
  logger_scope spawning;
  root_->start(weak_from_this());
  for (const auto& x :
       {make_load_service(loads_), std::shared_ptr<service>{topic_service_}})
    if (const auto added = services_.add(x); !added)
      throw std::runtime_error(added.error().text());
}

expected<void> runtime_core::add(std::shared_ptr<service> x) {
  logger_scope spawning;
  return services_.add(std::move(x));
}

void runtime_core::show_metrics() {
  // A fresh registry takes all that have names of their own.
  shown_ = register_metrics(metrics_, *loads_).value();
  auto of_topics = register_metrics(metrics_, topic_hub_->directory()).value();
  std::move(of_topics.begin(), of_topics.end(), std::back_inserter(shown_));
  const auto keep = [this](expected<metric_registration> x) {
    shown_.push_back(std::move(x).value());
  };
  keep(register_region_metrics(metrics_, [this] {
    auto open = regions_.all();
    return std::vector<std::shared_ptr<const region>>{
      std::move_iterator{open.begin()}, std::move_iterator{open.end()}};
  }));
  keep(metrics_.add(supervision_metrics, [this] { return supervision(); }));
  keep(metrics_.add(process_metrics, measure_process));
  keep(metrics_.add(
    {.name = "troupe_memory_limit_bytes",
     .help = "Limit of the memory of all regions' entries together; 0: no "
             "limit.",
     .kind = metric_kind::gauge,
     .unit = metric_unit::byte},
    [this] { return static_cast<std::int64_t>(regions_.max_bytes()); }));
  keep(metrics_.add(
    {.name = "troupe_actors",
     .help = "Actors of the runtime, including actors that are down.",
     .kind = metric_kind::gauge},
    [this] { return static_cast<std::int64_t>(tree_.size()) + 1; }));
}

/// Ticks the services, measures, and lets the regions tidy up.
void runtime_core::tick() {
  services_.tick();
  if (const auto now = clock::steady().now(); meter_.due(now))
    meter_.note(now, processor_time());
  regions_.tick();
  // Evictions are counted over a period in which some happen.
  if (++ticks_ % ticks_per_rebalance == 0)
    regions_.rebalance();
}

expected<void> runtime_core::set_max_bytes(std::size_t x) {
  if (auto ok = regions_.check_max_bytes(x); !ok)
    return ok;
  if (draining_)
    return fail(errc::shutting_down, "the runtime drains");
  regions_.set_max_bytes(x);
  return {};
}

void runtime_core::report(const std::string& line) const {
  if (options_.report)
    options_.report(line);
}

// -- supervision -------------------------------------------------------------------

runtime_stat runtime_core::stat(bool with_regions) const {
  auto process = measure_process();
  runtime_stat result;
  result.version = version;
  result.uptime = since(started_);
  result.process_id = process.process_id;
  result.resident_bytes = process.resident_bytes;
  result.cpu_milliseconds
    = static_cast<std::uint64_t>(process.processor_time.count());
  const auto lately
    = meter_.lately(clock::steady().now(), process.processor_time);
  result.cpu_permille = lately.permille;
  result.cpu_window = lately.over;
  result.threads = process.threads;
  result.open_files = process.open_files;
  result.file_limit = process.file_limit;
  result.actors = tree_.size() + 1;
  result.loads_in_flight = loads_->in_flight();
  result.loader_threads = loads_->workers().threads();
  result.loader_queue = loads_->workers().waiting();
  const auto all = supervision();
  result.actor_crashes = all.crashes;
  result.actor_restarts = all.restarts;
  result.actors_failed = all.failed;
  result.shards_failed = all.shards_failed;
  result.draining = draining_;
  result.services = services_.infos();
  if (with_regions)
    result.regions = regions_.infos();
  return result;
}

expected<found_actor> runtime_core::find_actor(const std::string& name) const {
  if (auto up = tree_.check_not_failed(name); !up)
    return tl::unexpected{std::move(up.error())};
  const auto found = services_.find(name);
  if (found == nullptr)
    return regions_.find_actor(name);
  auto present = found->pointer();
  if (!present)
    return fail(errc::shutting_down, "the runtime has drained");
  return found_actor{found->kind(), std::move(present)};
}

expected<void> runtime_core::restart(std::string_view name) {
  if (name == supervisor_name)
    return fail(errc::invalid_argument,
                "the supervisor is running; when it dies, it is started again "
                "at once");
  logger_scope spawning;
  return tree_.restart(name);
}

supervision_figures runtime_core::supervision() const {
  auto result = tree_.figures();
  // Each was a crash that is over.
  const auto restarts = root_->restarts();
  result.crashes += restarts;
  result.restarts += restarts;
  return result;
}

// -- the end -----------------------------------------------------------------------

drain_report runtime_core::drain(std::chrono::milliseconds deadline) {
  if (deadline <= deadline.zero())
    deadline = options_.drain_deadline;
  const auto begin = std::chrono::steady_clock::now();
  const auto until = begin + deadline;
  draining_ = true;
  // Operations of clients may still open regions.
  const auto clients = clients_.end_all(until);
  regions_.refuse_more();
  std::lock_guard guard{drain_mutex_};
  if (!drained_) {
    drained_ = drain_once(begin, until);
    drained_->clients = clients.served;
    drained_->clients_cut = clients.cut;
  }
  return *drained_;
}

drain_report runtime_core::drain_once(time_point begin, time_point until) {
  drain_report report;
  report.stuck = services_.drain(until);
  regions_.stop();
  tree_.begin_stop();
  let_run(system_);
  auto left = tree_.await_stopped(until, last_turn, most_stuck_named);
  for (auto& name : left.names)
    report.stuck.push_back("actor " + name);
  if (left.count > left.names.size())
    report.stuck.push_back(std::to_string(left.count - left.names.size())
                           + " more actors");
  // What outlives the runtime must not keep its actors.
  services_.forget_actors();
  regions_.forget_actors();
  report.took = since(begin);
  return report;
}

void runtime_core::drain_then(std::chrono::milliseconds deadline,
                              std::function<void(drain_report)> done) {
  std::lock_guard guard{drainers_mutex_};
  // The supervisor is about to end, and answers its requesters.
  if (closing_)
    return;
  drainers_.emplace_back(
    [self = shared_from_this(), deadline, done = std::move(done)] {
      done(self->drain(deadline));
    });
}

void runtime_core::close() {
  const bool reported = draining_;
  const auto last = drain(options_.drain_deadline);
  if (!reported)
    for (auto& name : last.stuck)
      report("stuck at the end: " + name);
  std::vector<std::thread> drainers;
  {
    std::lock_guard guard{drainers_mutex_};
    closing_ = true;
    drainers = std::exchange(drainers_, {});
  }
  root_->retire();
  for (auto& x : drainers)
    x.join();
  consoles_.close();
  clockwork_->stop();
  root_->end();
  executor_->close();
}

} // namespace troupe::detail
