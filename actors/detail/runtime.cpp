#include <troupe/actors/detail/runtime_core.hpp>

#include <algorithm>
#include <array>
#include <typeinfo>
#include <utility>

#include <caf/default_attachable.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/gate/detail/console_gate.hpp>
#include <troupe/actors/shell/detail/logger_scope.hpp>
#include <troupe/actors/regions/detail/region_checks.hpp>
#include <troupe/actors/loads/load_coordinator_actor.hpp>
#include <troupe/actors/supervision/process.hpp>
#include <troupe/actors/regions/region_actor.hpp>
#include <troupe/actors/regions/shard_actor.hpp>
#include <troupe/actors/version.hpp>

namespace troupe {

namespace {

using detail::supervisor_name;

/// How long an actor that has nothing left to do may take to end, whatever the
/// deadline of the drain was. Thousands of times what it takes.
constexpr std::chrono::seconds last_turn{1};

/// Loads, and actors, that a report of a drain names; it counts the others.
constexpr std::size_t most_stuck_named = 100;

/// What values that are no integers may be.
constexpr integer_range no_integers{0, 0};

/// Clockwork ticks between two looks at who evicts how much: a tenth of a second.
constexpr unsigned ticks_per_rebalance = 5;

/// Under the scheduler for tests nothing runs by itself.
void let_run(caf::actor_system& system) {
  using caf::scheduler::test_coordinator;
  if (auto* tests = dynamic_cast<test_coordinator*>(&system.scheduler()))
    tests->run();
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin);
}

} // namespace

runtime::core::core(caf::actor_system& system, const runtime_options& options)
  : system_(system),
    options_(options),
    memory_limit_(options.max_bytes,
                  "max-bytes of the runtime (maxmemory of the server)"),
    executor_(std::make_shared<lane_scheduler>(system)),
    loads_(std::make_shared<load_coordinator>(
      *options.time, executor_, options.loader_threads, options.loader_queue)),
    tree_(*options.time, options.restart_limit, options.restart_window,
          options.report),
    unexpected_(system, options.report) {
  // nop
}

void runtime::core::start() {
  // First, as this is what may throw.
  clockwork_.emplace(defaults::tick, [this] { tick(); });
  memory_ = std::jthread{[](std::stop_token stop) {
    keep_memory_ready(std::move(stop));
  }};
  detail::logger_scope spawning;
  start_supervisor();
  auto added = tree_.add(supervised_load_coordinator(
    system_, supervisor_name, loads_, coordinator_, watch()));
  // A fresh tree takes its first child.
  static_cast<void>(added);
}

/// Looks for overdue loads, measures, and lets the shards tidy up.
void runtime::core::tick() {
  loads_->tick();
  if (const auto now = clock::steady().now(); meter_.due(now))
    meter_.note(now, processor_time());
  for (auto& x : all_regions())
    x->tick();
  // Evictions are counted over a period in which some happen.
  if (++ticks_ % ticks_per_rebalance == 0)
    memory_limit_.rebalance();
}

std::size_t runtime::core::shards_open() const {
  std::size_t result = 0;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result += x.where->provider().parts().size();
  return result;
}

expected<void> runtime::core::check_max_bytes(std::size_t x) const {
  auto changed = options_;
  changed.max_bytes = x;
  if (auto ok = check(changed); !ok)
    return ok;
  return common_limit::check(x, shards_open());
}

/// Whether the limit leaves room for the shards of one more region.
expected<void> runtime::core::check_shards(const region_options& x) const {
  auto shards = shards_open() + std::max<std::size_t>(x.shards, 1);
  for (auto& space : x.namespaces)
    shards += std::max<std::size_t>(space.shards, 1);
  return memory_limit_.check_room_for(shards);
}

expected<void> runtime::core::set_max_bytes(std::size_t x) {
  if (auto ok = check_max_bytes(x); !ok)
    return ok;
  if (draining())
    return troupe::fail(errc::shutting_down, "the runtime drains");
  std::vector<std::shared_ptr<provider>> providers;
  for (auto& where : all_regions())
    providers.push_back(where->shared_provider());
  memory_limit_.set(x, providers);
  return {};
}

// -- regions -----------------------------------------------------------------------

/// The configured values where the caller chose none.
region_options runtime::core::complete(region_options x) const {
  if (x.shards == 0)
    x.shards = options_.shards;
  if (!x.op_timeout)
    x.op_timeout = options_.op_timeout;
  if (!x.load_timeout)
    x.load_timeout = options_.load_timeout;
  return x;
}

expected<opened_region> runtime::core::open(std::string name,
                                            const region_options* wanted,
                                            value_type type) {
  auto options = wanted != nullptr ? *wanted : region_options{};
  if (auto ok = detail::check_region_name(name).and_then(
        [&] { return check(options); });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  // A drain keeps the turn to its end; nobody has to wait for that.
  const auto ends = [this] {
    std::lock_guard guard{mutex_};
    return opens_nothing_;
  };
  if (ends())
    return troupe::fail(errc::shutting_down, "the runtime drains");
  std::lock_guard turn{turn_};
  {
    std::lock_guard guard{mutex_};
    if (opens_nothing_)
      return troupe::fail(errc::shutting_down, "the runtime drains");
    if (auto i = regions_.find(name); i != regions_.end())
      return reopen(i->second, wanted, type);
  }
  options = complete(options);
  if (auto ok = check_shards(options); !ok)
    return tl::unexpected{std::move(ok.error())};
  const auto limit = memory_limit_.max_bytes();
  auto fresh = start_region(name, options, std::move(type));
  if (!fresh)
    return tl::unexpected{std::move(fresh.error())};
  auto handles = fresh->handles();
  {
    std::lock_guard guard{mutex_};
    regions_.emplace(std::move(name), std::move(*fresh));
  }
  // A limit that was set meanwhile has not reached it.
  if (memory_limit_.max_bytes() != limit)
    if (auto ok = handles.where->obey_limits(); !ok)
      return tl::unexpected{std::move(ok.error())};
  return handles;
}

expected<opened_region> runtime::core::reopen(const entry& present,
                                              const region_options* wanted,
                                              const value_type& type) const {
  auto& where = *present.where;
  if (present.type != type)
    return troupe::fail(errc::type_mismatch,
                        where.name() + " is open for values of type "
                          + present.type.name + ", not "
                          + (type.name == present.type.name
                               ? "the type of this name in another source file "
                                 "or function"
                               : type.name));
  if (wanted == nullptr)
    return present.handles();
  auto options = complete(*wanted);
  detail::adopt_choices(options, where.options());
  if (auto* field = detail::difference(options, where.options()))
    return troupe::fail(errc::invalid_argument,
                        where.name() + " is open with another " + field);
  return present.handles();
}

expected<runtime::core::entry>
runtime::core::start_region(const std::string& name,
                            const region_options& options, value_type type) {
  entry x;
  auto completed = with_defaults(options);
  const auto factory = completed.provider != nullptr ? completed.provider
                                                     : memory_limit_.factory();
  auto below = factory->make({name, completed, *options_.time, executor_,
                              loads_->workers()});
  if (!below)
    return tl::unexpected{std::move(below.error())};
  x.where = std::make_shared<region>(name, completed, *options_.time,
                                     std::move(*below), loads_, type.counts);
  auto shards = x.where->provider().parts().size();
  x.directory = std::make_shared<region_directory>(shards);
  x.type = std::move(type);
  std::shared_ptr<lane> mailbox{
    new lane(*executor_), [keep = executor_](lane* gone) { delete gone; }};
  detail::logger_scope spawning;
  auto added = tree_.add(supervised_region(system_, supervisor_name, x.where,
                                           x.directory, mailbox, watch()));
  for (std::size_t i = 0; added && i < shards; ++i)
    added = tree_.add(supervised_shard(system_, x.where, i, x.directory,
                                       watch(), options_.failed_shards));
  if (!added)
    return tl::unexpected{std::move(added.error())};
  return x;
}

expected<opened_region> runtime::core::find(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto i = regions_.find(name);
  if (i == regions_.end())
    return troupe::fail(errc::unknown_region, "no region is named " + name);
  return i->second.handles();
}

expected<region_actor> runtime::core::front(const std::string& name) const {
  auto found = find(name);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  // The directory still has the dead one, which answers no request of another process.
  if (auto up = tree_.check_not_failed(name); !up)
    return tl::unexpected{std::move(up.error())};
  auto result = found->directory->front().get();
  if (!result)
    return troupe::fail(errc::shutting_down, "the runtime has drained");
  return result;
}

std::vector<std::shared_ptr<region>> runtime::core::all_regions() const {
  std::vector<std::shared_ptr<region>> result;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result.push_back(x.where);
  return result;
}

// -- the supervisor ----------------------------------------------------------------

watch_function runtime::core::watch() const {
  return [this](const caf::strong_actor_ptr& whom) {
    auto observer = supervisor_.pointer();
    if (whom && observer)
      whom->get()->attach(caf::default_attachable::make_monitor(
        whom->address(), observer->address()));
  };
}

void runtime::core::start_supervisor() {
  supervisor_.set(spawn_supervisor(system_, weak_from_this()));
  supervisor_.pointer()->get()->attach_functor([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->supervisor_ended();
  });
}

/// Nobody but us could start the next one. Who died in between is reported to
/// that one when it starts to watch.
void runtime::core::supervisor_ended() {
  {
    std::lock_guard guard{mutex_};
    if (closing_)
      return;
    ++supervisor_restarts_;
  }
  report(std::string{supervisor_name} + " crashed");
  start_supervisor();
  report(std::string{supervisor_name} + " runs again");
}

void runtime::core::report(const std::string& line) const {
  if (options_.report)
    options_.report(line);
}

expected<void> runtime::core::restart(std::string_view name) {
  if (name == supervisor_name)
    return troupe::fail(errc::invalid_argument,
                        "the supervisor is running; when it dies, it is "
                        "started again at once");
  detail::logger_scope spawning;
  return tree_.restart(name);
}

supervision_figures runtime::core::supervision() const {
  auto result = tree_.figures();
  std::lock_guard guard{mutex_};
  // Each was a crash that is over.
  result.crashes += supervisor_restarts_;
  result.restarts += supervisor_restarts_;
  return result;
}

/// The gate is made when it is first asked for, and goes with the runtime.
expected<detail::console_gate*> runtime::core::gate() {
  if (!system_.has_middleman())
    return troupe::fail(errc::invalid_argument,
                        "the actor system has no middleman; call "
                        "config::enable_remote before making it");
  if (gate_closed_)
    return troupe::fail(errc::shutting_down, "the runtime has ended");
  if (gate_)
    return gate_.get();
  try {
    gate_ = std::make_unique<detail::console_gate>(
      system_, [this]() -> detail::shown_actor {
        return {
          supervisor_.pointer(),
          system_.message_types(caf::detail::type_list<supervisor_actor>{})};
      });
  } catch (const std::bad_cast&) {
    return troupe::fail(
      errc::invalid_argument,
      "the middleman has an event loop of another kind; leave "
      "middleman.network-backend at its default");
  }
  return gate_.get();
}

expected<std::string> runtime::core::publish(const console_socket& where) {
  std::lock_guard guard{gate_mutex_};
  return gate().and_then(
    [&](detail::console_gate* x) { return x->open(where); });
}

expected<std::uint16_t> runtime::core::publish(const console_port& where) {
  std::lock_guard guard{gate_mutex_};
  return gate().and_then(
    [&](detail::console_gate* x) { return x->open(where); });
}

child_view runtime::core::root() const {
  child_view result;
  result.name = supervisor_name;
  result.kind = "supervisor";
  result.state = child_state::running;
  std::lock_guard guard{mutex_};
  result.restarts = supervisor_restarts_;
  return result;
}

runtime_stat runtime::core::stat(bool with_regions) const {
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
  std::lock_guard guard{mutex_};
  result.draining = draining_;
  if (!with_regions)
    return result;
  for (auto& [name, x] : regions_)
    result.regions.push_back(info_of(name, x));
  return result;
}

region_info runtime::core::info_of(const std::string& name,
                                   const entry& x) const {
  auto figures = x.where->stats();
  return {name,
          x.type.name,
          x.where->provider().parts().size(),
          figures.keys,
          figures.bytes,
          figures.handled,
          figures.restarts,
          namespace_infos(*x.where),
          figures.undecodable,
          figures.shards_failed,
          x.type.encoding(),
          x.type.counts.value_or(no_integers).least,
          x.type.counts.value_or(no_integers).most};
}

expected<region_info> runtime::core::info(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto i = regions_.find(name.empty() ? "db0" : name);
  if (i == regions_.end() && name.empty())
    i = regions_.begin();
  if (i == regions_.end())
    return troupe::fail(errc::unknown_region, name.empty()
                                                ? "no region is open"
                                                : "no region is named " + name);
  return info_of(i->first, i->second);
}

// -- by name -----------------------------------------------------------------------

expected<found_actor> runtime::core::find_actor(const std::string& name) const {
  auto found = [&](const char* kind,
                   caf::strong_actor_ptr who) -> expected<found_actor> {
    if (!who)
      return troupe::fail(errc::shutting_down, "the runtime has drained");
    return found_actor{kind, std::move(who)};
  };
  if (name == detail::coordinator_name)
    return found("load-coordinator", coordinator_->pointer());
  if (auto up = tree_.check_not_failed(name); !up)
    return tl::unexpected{std::move(up.error())};
  // Names of regions have no slash.
  const auto slash = name.find('/');
  std::lock_guard guard{mutex_};
  if (auto i = regions_.find(name.substr(0, slash)); i != regions_.end()) {
    auto& x = i->second;
    if (slash == name.npos)
      return found("region", x.directory->front().pointer());
    for (std::size_t n = 0; n < x.where->provider().parts().size(); ++n)
      if (name == x.where->provider().parts()[n]->name())
        return found("shard", x.directory->shard(n).pointer());
  }
  return troupe::fail(errc::unknown_actor, "there is no actor named " + name);
}

void runtime::core::add_shown(const std::string& prefix, actor_list& to) const {
  std::lock_guard guard{shown_->mutex};
  for (auto& [number, source] : shown_->sources)
    source(prefix, to);
}

std::shared_ptr<void> runtime::core::show(row_source source) {
  std::lock_guard guard{shown_->mutex};
  const auto number = shown_->next++;
  shown_->sources.emplace(number, std::move(source));
  return {nullptr, [number, all = shown_](void*) {
            std::lock_guard end{all->mutex};
            all->sources.erase(number);
          }};
}

// -- the end -----------------------------------------------------------------------

bool runtime::core::draining() const {
  std::lock_guard guard{mutex_};
  return draining_;
}

std::shared_ptr<void> runtime::core::end_clients_first(client_end end) {
  std::lock_guard guard{clients_->mutex};
  const auto number = clients_->next++;
  if (!clients_->done)
    clients_->ends.emplace(number, std::move(end));
  return {nullptr, [number, all = clients_](void*) {
            std::lock_guard ended{all->mutex};
            all->ends.erase(number);
          }};
}

/// The first part of a drain. Operations of clients may still open regions.
runtime::ended_clients
runtime::core::end_clients(std::chrono::steady_clock::time_point until) {
  std::lock_guard guard{clients_->mutex};
  if (std::exchange(clients_->done, true))
    return clients_->all;
  for (auto& [number, end] : clients_->ends) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
    const auto ended = end(std::max(left, std::chrono::milliseconds{0}));
    clients_->all.served += ended.served;
    clients_->all.cut += ended.cut;
  }
  return clients_->all;
}

drain_report runtime::core::drain(std::chrono::milliseconds deadline) {
  if (deadline <= deadline.zero())
    deadline = options_.drain_deadline;
  const auto begin = std::chrono::steady_clock::now();
  const auto until = begin + deadline;
  {
    std::lock_guard guard{mutex_};
    draining_ = true;
  }
  const auto clients = end_clients(until);
  {
    std::lock_guard guard{mutex_};
    opens_nothing_ = true;
  }
  std::lock_guard turn{turn_};
  if (!drained_) {
    drained_ = drain_once(begin, until);
    drained_->clients = clients.served;
    drained_->clients_cut = clients.cut;
  }
  return *drained_;
}

drain_report
runtime::core::drain_once(std::chrono::steady_clock::time_point begin,
                          std::chrono::steady_clock::time_point until) {
  drain_report report;
  report.stuck = loads_->drain(until);
  if (auto found = report.stuck.size(); found > most_stuck_named) {
    report.stuck.resize(most_stuck_named);
    report.stuck.push_back(std::to_string(found - most_stuck_named)
                           + " more loads");
  }
  for (auto& x : all_regions())
    x->stop();
  tree_.begin_stop();
  let_run(system_);
  auto left = tree_.await_stopped(until, last_turn, most_stuck_named);
  for (auto& name : left.names)
    report.stuck.push_back("actor " + name);
  if (left.count > left.names.size())
    report.stuck.push_back(std::to_string(left.count - left.names.size())
                           + " more actors");
  // What outlives the runtime must not keep its actors.
  coordinator_->clear();
  {
    std::lock_guard guard{mutex_};
    for (auto& [name, x] : regions_)
      x.directory->clear();
  }
  report.took = since(begin);
  return report;
}

void runtime::core::drain_then(std::chrono::milliseconds deadline,
                               std::function<void(drain_report)> done) {
  std::lock_guard guard{mutex_};
  // The supervisor is about to end, and answers whoever asked.
  if (closing_)
    return;
  drainers_.emplace_back(
    [self = shared_from_this(), deadline, done = std::move(done)] {
      done(self->drain(deadline));
    });
}

void runtime::core::close() {
  auto reported = draining();
  auto report = drain(options_.drain_deadline);
  if (!reported)
    for (auto& name : report.stuck)
      this->report("stuck at the end: " + name);
  std::vector<std::thread> drainers;
  {
    std::lock_guard guard{mutex_};
    closing_ = true;
    drainers = std::exchange(drainers_, {});
  }
  for (auto& x : drainers)
    x.join();
  {
    std::lock_guard guard{gate_mutex_};
    gate_closed_ = true;
    gate_.reset();
  }
  clockwork_->stop();
  end_supervisor();
  executor_->close();
}

void runtime::core::end_supervisor() {
  detail::logger_scope asking;
  caf::scoped_actor self{system_, true};
  auto last = supervisor_.get();
  supervisor_.clear();
  self->monitor(last);
  self->send_exit(last, caf::exit_reason::user_shutdown);
  last = nullptr;
  let_run(system_);
  self->receive([](const caf::down_msg&) {},
                caf::after(last_turn) >>
                  [this] {
                    report(std::string{"stuck at the end: actor "}
                           + supervisor_name);
                  });
}

} // namespace troupe
