#include <troupe/actors/runtime.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/default_attachable.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/config.hpp>
#include <troupe/actors/lane_actor.hpp>
#include <troupe/actors/load_coordinator.hpp>
#include <troupe/actors/load_coordinator_actor.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/actors/region_actor.hpp>
#include <troupe/actors/region_directory.hpp>
#include <troupe/actors/shard_actor.hpp>
#include <troupe/actors/supervisor.hpp>
#include <troupe/actors/supervisor_actor.hpp>
#include <troupe/actors/version.hpp>
#include <troupe/messages/caf_error.hpp>

namespace troupe {

namespace {

constexpr const char* supervisor_name = "supervisor";
constexpr const char* coordinator_name = "load-coordinator";
constexpr std::size_t max_name_size = 100;

/// How long the end of the runtime waits for its last actor, which has nothing
/// left to do. Much longer than that takes, short enough for a shutdown.
constexpr std::chrono::seconds last_actor_timeout{5};

expected<void> check_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._:-";
  if (name.empty() || name.size() > max_name_size
      || name.find_first_not_of(allowed) != std::string_view::npos
      || name == supervisor_name || name == coordinator_name)
    return fail(errc::invalid_argument,
                "a region is named with 1 to 100 letters, digits or any of "
                "._:- and not \"supervisor\" or \"load-coordinator\"");
  return {};
}

/// The name of the first field in which two options differ, or nullptr.
const char* difference(const region_options& x, const region_options& y) {
  if (x.ttl != y.ttl)
    return "ttl";
  if (x.jitter != y.jitter)
    return "jitter";
  if (x.shards != y.shards)
    return "shards";
  if (x.load_timeout != y.load_timeout)
    return "load_timeout";
  if (x.load_attempts != y.load_attempts)
    return "load_attempts";
  if (x.op_timeout != y.op_timeout)
    return "op_timeout";
  if (x.max_key_size != y.max_key_size)
    return "max_key_size";
  if (x.max_value_size != y.max_value_size)
    return "max_value_size";
  return nullptr;
}

/// Under the scheduler for tests nothing runs by itself.
void let_run(caf::actor_system& system) {
  using caf::scheduler::test_coordinator;
  if (auto* tests = dynamic_cast<test_coordinator*>(&system.scheduler()))
    tests->run();
}

} // namespace

// -- the core ----------------------------------------------------------------------

/// What the runtime is. Shared with functions that may be called while it ends;
/// `close` lets go of everything that belongs to the actor system.
class runtime::core final : public supervised,
                            public std::enable_shared_from_this<core> {
public:
  core(caf::actor_system& system, const runtime_options& options)
    : system_(system),
      options_(options),
      executor_(std::make_shared<lane_scheduler>(system)),
      loads_(std::make_shared<load_coordinator>(
        *options.time, executor_, options.loader_threads,
        options.loader_queue)),
      tree_(*options.time, options.restart_limit, options.restart_window) {
    // nop
  }

  /// The part of construction that needs `shared_from_this`.
  void start() {
    start_supervisor();
    auto added = tree_.add(coordinator_spec());
    // The first child of a fresh tree is always welcome.
    static_cast<void>(added);
  }

  // -- regions -----------------------------------------------------------------

  expected<opened_region> open(std::string name, const region_options* wanted,
                               std::string value_type);

  expected<opened_region> find(const std::string& name) const {
    std::lock_guard guard{mutex_};
    auto i = regions_.find(name);
    if (i == regions_.end())
      return fail(errc::unknown_region, "no region is named " + name);
    return i->second.handles();
  }

  /// Lets expired entries of all regions go.
  void sweep() const {
    for (auto& x : all_regions())
      x->sweep();
  }

  // -- the end -----------------------------------------------------------------

  drain_report drain(std::chrono::milliseconds deadline);

  /// Drains and ends the supervisor; says on stderr what was stuck.
  void close();

  // -- for the supervisor ------------------------------------------------------

  troupe::supervisor& tree() noexcept override {
    return tree_;
  }

  child_view root() const override {
    std::lock_guard guard{mutex_};
    child_view result;
    result.name = supervisor_name;
    result.kind = "supervisor";
    result.state = child_state::running;
    result.restarts = supervisor_restarts_;
    return result;
  }

  runtime_stat stat(bool with_regions) const override;

  expected<region_actor> front(const std::string& name) const override {
    return find(name).and_then(
      [](const opened_region& x) -> expected<region_actor> {
        if (auto result = x.directory->front())
          return result;
        return troupe::fail(errc::shutting_down, "the runtime has drained");
      });
  }

  load_coordinator_actor coordinator() const override {
    std::lock_guard guard{mutex_};
    return coordinator_;
  }

  void drain_then(std::chrono::milliseconds deadline,
                  std::function<void(drain_report)> done) override;

  std::vector<publication> publications() const override {
    std::lock_guard guard{mutex_};
    return publications_;
  }

  expected<std::uint16_t> publish(std::uint16_t port,
                                  const std::string& address);

  supervisor_actor root_actor() const {
    std::lock_guard guard{mutex_};
    return supervisor_;
  }

  caf::actor_system& system() noexcept {
    return system_;
  }

private:
  struct entry {
    std::shared_ptr<region> where;
    std::shared_ptr<region_directory> directory;
    std::string value_type;

    [[nodiscard]] opened_region handles() const {
      return {where, directory};
    }
  };

  [[nodiscard]] region_options complete(region_options x) const;
  expected<opened_region> reopen(const entry& present,
                                 const region_options* wanted,
                                 const std::string& value_type) const;
  expected<entry> start_region(const std::string& name,
                               const region_options& options,
                               std::string value_type);

  child_spec coordinator_spec();
  child_spec front_spec(const entry& of, std::shared_ptr<lane> mailbox);
  child_spec shard_spec(const entry& of, std::size_t index);

  template <class Handle>
  void watch(const Handle& whom) const;
  template <class Handle>
  void end(const Handle& whom, bool crash) const;

  void start_supervisor();
  void supervisor_ended();
  [[nodiscard]] std::vector<std::shared_ptr<region>> all_regions() const;
  drain_report drain_once(std::chrono::milliseconds deadline);

  caf::actor_system& system_;
  const runtime_options options_;
  const std::chrono::steady_clock::time_point started_
    = std::chrono::steady_clock::now();
  std::shared_ptr<lane_scheduler> executor_;
  std::shared_ptr<load_coordinator> loads_;
  troupe::supervisor tree_;

  /// One region is opened, or the runtime drained, at a time.
  std::mutex turn_;
  std::optional<drain_report> drained_;

  /// Guards what follows.
  mutable std::mutex mutex_;
  std::map<std::string, entry> regions_;
  supervisor_actor supervisor_;
  std::uint64_t supervisor_restarts_ = 0;
  load_coordinator_actor coordinator_;
  std::vector<publication> publications_;
  bool draining_ = false;
  bool closing_ = false;
  std::vector<std::thread> drainers_;
};

// -- opening -----------------------------------------------------------------------

/// The configured values where the caller left the built-in defaults.
region_options runtime::core::complete(region_options x) const {
  if (x.shards == 0)
    x.shards = options_.shards;
  if (x.op_timeout == defaults::op_timeout)
    x.op_timeout = options_.op_timeout;
  if (x.load_timeout == defaults::load_timeout)
    x.load_timeout = options_.load_timeout;
  return x;
}

expected<opened_region> runtime::core::open(std::string name,
                                            const region_options* wanted,
                                            std::string value_type) {
  if (auto ok = check_name(name); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (wanted != nullptr)
    if (auto ok = check(*wanted); !ok)
      return tl::unexpected{std::move(ok.error())};
  std::lock_guard turn{turn_};
  {
    std::lock_guard guard{mutex_};
    if (draining_)
      return troupe::fail(errc::shutting_down, "the runtime drains");
    if (auto i = regions_.find(name); i != regions_.end())
      return reopen(i->second, wanted, value_type);
  }
  auto options = complete(wanted != nullptr ? *wanted : region_options{});
  auto fresh = start_region(name, options, std::move(value_type));
  if (!fresh)
    return tl::unexpected{std::move(fresh.error())};
  auto handles = fresh->handles();
  std::lock_guard guard{mutex_};
  regions_.emplace(std::move(name), std::move(*fresh));
  return handles;
}

expected<opened_region>
runtime::core::reopen(const entry& present, const region_options* wanted,
                      const std::string& value_type) const {
  auto& where = *present.where;
  if (present.value_type != value_type)
    return troupe::fail(errc::type_mismatch,
                        where.name() + " is open for values of type "
                          + present.value_type + ", not " + value_type);
  if (wanted == nullptr)
    return present.handles();
  auto options = complete(*wanted);
  // Zero lets the region choose, so it fits whatever the region chose.
  if (options.shards == 0)
    options.shards = where.options().shards;
  if (auto* field = difference(options, where.options()))
    return troupe::fail(errc::invalid_argument,
                        where.name() + " is open with another " + field);
  return present.handles();
}

expected<runtime::core::entry>
runtime::core::start_region(const std::string& name,
                            const region_options& options,
                            std::string value_type) {
  entry result;
  result.where = std::make_shared<region>(name, options, *options_.time,
                                          executor_, loads_);
  auto shards = result.where->shard_count();
  result.directory = std::make_shared<region_directory>(shards);
  result.value_type = std::move(value_type);
  std::shared_ptr<lane> mailbox{new lane(*executor_),
                                [keep = executor_](lane* x) { delete x; }};
  if (auto ok = tree_.add(front_spec(result, std::move(mailbox))); !ok)
    return tl::unexpected{std::move(ok.error())};
  for (std::size_t i = 0; i < shards; ++i)
    if (auto ok = tree_.add(shard_spec(result, i)); !ok)
      return tl::unexpected{std::move(ok.error())};
  return result;
}

// -- the actors --------------------------------------------------------------------

/// Has the death of an actor reported to the present supervisor.
template <class Handle>
void runtime::core::watch(const Handle& whom) const {
  auto observer = root_actor();
  if (whom && observer)
    whom->attach(caf::default_attachable::make_monitor(whom->address(),
                                                       observer->address()));
}

/// Ends an actor in its own turn: here and now when it is an idle lane actor.
template <class Handle>
void runtime::core::end(const Handle& whom, bool crash) const {
  if (!whom)
    return;
  auto reason = crash ? caf::exit_reason::kill
                      : caf::exit_reason::user_shutdown;
  whom->enqueue(nullptr, caf::make_message_id(),
                caf::make_message(caf::exit_msg{whom->address(), reason}),
                system_.dummy_execution_unit());
}

child_spec runtime::core::coordinator_spec() {
  child_spec result;
  result.name = coordinator_name;
  result.parent = supervisor_name;
  result.kind = "load-coordinator";
  result.start = [this](bool) {
    auto actor = spawn_load_coordinator(
      system_, loads_, [weak = weak_from_this()] {
        if (auto self = weak.lock())
          self->sweep();
      });
    {
      std::lock_guard guard{mutex_};
      coordinator_ = actor;
    }
    watch(actor);
    return actor->id();
  };
  result.watch = [this] { watch(coordinator()); };
  result.end = [this](bool crash) { end(coordinator(), crash); };
  result.figures = [this] {
    return child_figures{loads_->mailbox().depth(),
                         loads_->mailbox().handled(), 0, 0};
  };
  return result;
}

child_spec runtime::core::front_spec(const entry& of,
                                     std::shared_ptr<lane> mailbox) {
  child_spec result;
  result.name = of.where->name();
  result.parent = supervisor_name;
  result.kind = "region";
  result.start = [this, where = of.where, directory = of.directory,
                  mailbox](bool) {
    auto actor = spawn_region(system_, where, directory, mailbox);
    directory->front(actor);
    watch(actor);
    return actor->id();
  };
  result.watch = [this, directory = of.directory] {
    watch(directory->front());
  };
  result.end = [this, directory = of.directory](bool crash) {
    end(directory->front(), crash);
  };
  result.give_up = [] {
    // The handle of the dead actor stays in the directory and answers.
  };
  result.figures = [mailbox] {
    return child_figures{mailbox->depth(), mailbox->handled(), 0, 0};
  };
  return result;
}

child_spec runtime::core::shard_spec(const entry& of, std::size_t index) {
  child_spec result;
  result.name = of.where->shard_at(index).name();
  result.parent = of.where->name();
  result.kind = "shard";
  result.start = [this, where = of.where, directory = of.directory,
                  index](bool again) {
    if (again)
      where->shard_at(index).restarted();
    auto actor = spawn_shard(system_, where, index);
    directory->shard(index, actor);
    watch(actor);
    return actor->id();
  };
  result.watch = [this, directory = of.directory, index] {
    watch(directory->shard(index));
  };
  result.end = [this, directory = of.directory, index](bool crash) {
    end(directory->shard(index), crash);
  };
  result.give_up = [where = of.where, index] { where->shard_at(index).fail(); };
  result.figures = [where = of.where, index] {
    auto& shard = where->shard_at(index);
    auto& entries = shard.store().entries();
    return child_figures{shard.mailbox().depth(), shard.mailbox().handled(),
                         entries.bytes(), entries.size()};
  };
  return result;
}

// -- the supervisor ----------------------------------------------------------------

void runtime::core::start_supervisor() {
  auto actor = spawn_supervisor(system_, weak_from_this());
  {
    std::lock_guard guard{mutex_};
    supervisor_ = actor;
  }
  actor->attach_functor([weak = weak_from_this()] {
    if (auto self = weak.lock())
      self->supervisor_ended();
  });
}

void runtime::core::supervisor_ended() {
  {
    std::lock_guard guard{mutex_};
    if (closing_)
      return;
    ++supervisor_restarts_;
  }
  start_supervisor();
}

expected<std::uint16_t> runtime::core::publish(std::uint16_t port,
                                               const std::string& address) {
  if (!system_.has_middleman())
    return troupe::fail(errc::invalid_argument,
                        "the actor system has no middleman; call "
                        "config::enable_remote before making it");
  auto whom = root_actor();
  if (!whom)
    return troupe::fail(errc::shutting_down, "the runtime has ended");
  auto used = system_.middleman().publish(whom, port, address.c_str(), true);
  if (!used)
    return troupe::fail(errc::system_error,
                        "cannot publish on " + address + ":"
                          + std::to_string(port) + " ("
                          + system_.render(used.error()) + ")");
  std::lock_guard guard{mutex_};
  publications_.push_back({*used, address});
  return *used;
}

// -- figures -----------------------------------------------------------------------

std::vector<std::shared_ptr<region>> runtime::core::all_regions() const {
  std::vector<std::shared_ptr<region>> result;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result.push_back(x.where);
  return result;
}

runtime_stat runtime::core::stat(bool with_regions) const {
  auto process = measure_process();
  runtime_stat result;
  result.version = version;
  result.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - started_);
  result.process_id = process.process_id;
  result.resident_bytes = process.resident_bytes;
  result.cpu_milliseconds
    = static_cast<std::uint64_t>(process.processor_time.count());
  result.actors = tree_.size() + 1;
  result.loads_in_flight = loads_->in_flight();
  result.loader_threads = loads_->workers().threads();
  result.loader_queue = loads_->workers().waiting();
  std::lock_guard guard{mutex_};
  result.draining = draining_;
  if (!with_regions)
    return result;
  for (auto& [name, x] : regions_) {
    auto figures = x.where->stats();
    result.regions.push_back({name, x.value_type, x.where->shard_count(),
                              figures.keys, figures.bytes, figures.handled,
                              figures.restarts});
  }
  return result;
}

// -- the end -----------------------------------------------------------------------

drain_report runtime::core::drain(std::chrono::milliseconds deadline) {
  if (deadline <= deadline.zero())
    deadline = options_.drain_deadline;
  {
    std::lock_guard guard{mutex_};
    draining_ = true;
  }
  std::lock_guard turn{turn_};
  if (!drained_)
    drained_ = drain_once(deadline);
  return *drained_;
}

drain_report
runtime::core::drain_once(std::chrono::milliseconds deadline) {
  auto begin = std::chrono::steady_clock::now();
  auto until = begin + deadline;
  drain_report report;
  report.stuck = loads_->drain(until);
  for (auto& x : all_regions())
    x->stop();
  tree_.begin_stop();
  let_run(system_);
  for (auto& name : tree_.await_stopped(until))
    report.stuck.push_back("actor " + name);
  // What outlives the runtime must not keep its actors.
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    x.directory->clear();
  coordinator_ = nullptr;
  report.took = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin);
  return report;
}

void runtime::core::drain_then(std::chrono::milliseconds deadline,
                               std::function<void(drain_report)> done) {
  std::lock_guard guard{mutex_};
  if (closing_)
    return;
  drainers_.emplace_back([self = shared_from_this(), deadline,
                          done = std::move(done)]() mutable {
    done(self->drain(deadline));
  });
}

void runtime::core::close() {
  auto report = drain(options_.drain_deadline);
  for (auto& name : report.stuck)
    std::cerr << "troupe: stuck at the end: " << name << std::endl;
  std::vector<std::thread> drainers;
  supervisor_actor last;
  {
    std::lock_guard guard{mutex_};
    closing_ = true;
    drainers = std::exchange(drainers_, {});
    last = std::exchange(supervisor_, nullptr);
  }
  for (auto& x : drainers)
    x.join();
  caf::scoped_actor self{system_, true};
  self->monitor(last);
  self->send_exit(last, caf::exit_reason::user_shutdown);
  last = nullptr;
  let_run(system_);
  self->receive([](const caf::down_msg&) {},
                caf::after(last_actor_timeout) >> [] {
                  std::cerr << "troupe: stuck at the end: actor "
                            << supervisor_name << std::endl;
                });
  executor_->close();
}

// -- the runtime -------------------------------------------------------------------

namespace {

runtime_options options_in(const caf::actor_system& system) {
  auto options = read_options(system.config());
  if (!options)
    throw std::invalid_argument(options.error().text());
  return *options;
}

const runtime_options& checked(const runtime_options& options) {
  if (auto ok = check(options); !ok)
    throw std::invalid_argument(ok.error().text());
  return options;
}

} // namespace

runtime::runtime(caf::actor_system& system)
  : runtime(system, options_in(system)) {
  // nop
}

runtime::runtime(caf::actor_system& system, const runtime_options& options)
  : core_(std::make_shared<core>(system, checked(options))) {
  core_->start();
}

runtime::runtime(config& cfg) : runtime(nullptr, &cfg) {
  // nop
}

runtime::runtime() : runtime(std::make_unique<config>(), nullptr) {
  // nop
}

runtime::runtime(std::unique_ptr<config> own, config* used)
  : own_config_(std::move(own)),
    own_system_(std::make_unique<caf::actor_system>(
      used != nullptr ? *used : *own_config_)),
    core_(std::make_shared<core>(*own_system_, options_in(*own_system_))) {
  core_->start();
}

runtime::~runtime() {
  core_->close();
}

expected<opened_region> runtime::open_typed(std::string name,
                                            const region_options* options,
                                            std::string value_type) {
  try {
    return core_->open(std::move(name), options, std::move(value_type));
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

expected<std::shared_ptr<region>>
runtime::open_region(std::string name, const region_options& options,
                     std::string value_type) {
  return open_typed(std::move(name), &options, std::move(value_type))
    .map([](opened_region&& x) { return std::move(x.where); });
}

expected<std::shared_ptr<region>> runtime::open_region(std::string name) {
  return open_typed(std::move(name), nullptr, "bytes")
    .map([](opened_region&& x) { return std::move(x.where); });
}

expected<std::shared_ptr<region>>
runtime::find(const std::string& name) const {
  return core_->find(name).map(
    [](opened_region&& x) { return std::move(x.where); });
}

expected<region_actor> runtime::actor(const std::string& name) const {
  return core_->front(name);
}

supervisor_actor runtime::supervisor() const {
  return core_->root_actor();
}

expected<std::uint16_t> runtime::publish(std::uint16_t port,
                                         const std::string& address) {
  return core_->publish(port, address);
}

caf::actor_system& runtime::system() noexcept {
  return core_->system();
}

runtime_stat runtime::stat() const {
  return core_->stat(true);
}

drain_report runtime::drain(std::chrono::milliseconds deadline) {
  return core_->drain(deadline);
}

region_actor front_of(const region_directory& where) {
  return where.front();
}

} // namespace troupe
