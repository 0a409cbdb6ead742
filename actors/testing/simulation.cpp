#include <troupe/actors/testing/simulation.hpp>

#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/stand_alone.hpp>
#include <troupe/actors/testing/detail/schedule.hpp>
#include <troupe/actors/testing/guarded_provider.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe::testing {

namespace {

/// How long the end of a simulation waits for loads that were begun outside of its run.
constexpr std::chrono::seconds longest_drain{10};

/// Loads that a report lists.
constexpr std::size_t most_listed = 16;

/// Lanes that a runner passed on, as jobs of the schedule.
class simulated_executor final : public lane_executor {
public:
  explicit simulated_executor(std::shared_ptr<detail::schedule> by)
    : by_(std::move(by)) {
    // nop
  }

  void schedule(lane& which) noexcept override {
    // Tasks hand over outside of turns only, so this is rare; with a full queue the
    // lane runs here.
    if (!by_->post([&which] { which.resume(); }))
      which.resume();
  }

private:
  const std::shared_ptr<detail::schedule> by_;
};

/// Hands over at each call of a provider, and adds the faults of the plan.
class simulated_guard final : public provider_guard {
public:
  simulated_guard(std::shared_ptr<detail::schedule> order,
                  std::shared_ptr<fault_plan> plan)
    : order_(std::move(order)), plan_(std::move(plan)) {
    // nop
  }

  expected<void> before(const provider_call& what) override {
    order_->step(name_of(what.operation), what.key);
    return order_->acts() ? plan_->before(what) : expected<void>{};
  }

  void after(const provider_call&) override {
    order_->step("(returns)");
  }

private:
  const std::shared_ptr<detail::schedule> order_;
  const std::shared_ptr<fault_plan> plan_;
};

void check_options(const simulation_options& x) {
  const auto need = [](bool ok, const char* text) {
    if (!ok)
      throw std::invalid_argument{text};
  };
  need(x.loader_threads >= 1 && x.loader_threads <= 64,
       "simulation_options::loader_threads may be 1 to 64");
  need(x.tick > std::chrono::nanoseconds::zero(),
       "simulation_options::tick has to be positive");
  need(x.patience > x.tick,
       "simulation_options::patience has to be longer than tick");
  need(x.most_steps > 0, "simulation_options::most_steps has to be positive");
  need(x.longest_step > std::chrono::seconds::zero(),
       "simulation_options::longest_step has to be positive");
}

/// Keeps what the threads of a failed run refer to.
template <class T>
void keep_for_ever(std::shared_ptr<T> x) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<T>>;
  std::lock_guard guard{mutex};
  kept->push_back(std::move(x));
}

} // namespace

struct simulation::core {
  core(std::uint64_t seed, const simulation_options& how)
    : order(std::make_shared<detail::schedule>(seed, how)),
      plan(std::make_shared<fault_plan>(
        seed,
        [by = std::weak_ptr{order}](std::chrono::nanoseconds span) {
          if (const auto x = by.lock())
            x->sleep(span);
        })),
      guard(std::make_shared<simulated_guard>(order, plan)),
      executor(std::make_shared<simulated_executor>(order)),
      loads(std::make_shared<load_coordinator>(order->time, how.loader_threads,
                                               how.loader_queue)) {
    order->surround({[this] { tick(); },
                     [this] { return loads->in_flight() > 0; },
                     [this] { return describe(); }});
  }

  void tick() {
    loads->tick();
    // A task may open a region meanwhile.
    for (std::size_t i = 0; i < regions.size(); ++i)
      regions[i]->tick();
  }

  [[nodiscard]] std::string describe() const {
    const auto [all, total] = loads->list(most_listed);
    std::string result;
    for (const auto& x : all)
      result += "  in flight: load of " + x.region + "/" + printable(x.key)
                + ", attempt " + std::to_string(x.attempt) + ", "
                + std::to_string(x.waiters) + " caller(s)"
                + (x.fenced ? ", fenced" : "") + "\n";
    return result;
  }

  const std::shared_ptr<detail::schedule> order;
  const std::shared_ptr<fault_plan> plan;
  const std::shared_ptr<provider_guard> guard;
  const std::shared_ptr<lane_executor> executor;
  const std::shared_ptr<load_coordinator> loads;
  std::vector<std::shared_ptr<region>> regions;
};

simulation::simulation(std::uint64_t seed, const simulation_options& how) {
  check_options(how);
  core_ = std::make_shared<core>(seed, how);
}

simulation::~simulation() {
  if (core_->order->left_behind()) {
    keep_for_ever(std::move(core_));
    return;
  }
  // Calls after the run may have begun loads on real threads.
  static_cast<void>(
    core_->loads->drain(std::chrono::steady_clock::now() + longest_drain));
  for (auto& x : core_->regions)
    x->stop();
}

std::uint64_t simulation::seed() const noexcept {
  return core_->order->seed;
}

const clock& simulation::time() const noexcept {
  return core_->order->time;
}

fault_plan& simulation::faults() noexcept {
  return *core_->plan;
}

const std::shared_ptr<load_coordinator>& simulation::loads() const noexcept {
  return core_->loads;
}

expected<std::shared_ptr<region>>
simulation::open(std::string name, const region_options& options,
                 std::optional<integer_range> counts) {
  if (auto ok = check(options); !ok)
    return tl::unexpected{std::move(ok.error())};
  constexpr std::size_t usual_shards = 4;
  auto own = options;
  if (own.shards == 0)
    own.shards = usual_shards;
  own.provider
    = std::make_shared<guarded_factory>(core_->guard, options.provider);
  auto result = open_alone(std::move(name), own, core_->order->time,
                           core_->executor, core_->loads, counts);
  if (result)
    core_->regions.push_back(*result);
  return result;
}

void simulation::task(std::string name, std::function<void()> f) {
  core_->order->add(std::move(name), std::move(f));
}

void simulation::run() {
  if (std::exchange(ran_, true))
    throw std::logic_error{"a simulation runs once: make another one"};
  core_->order->run();
  if (core_->loads->in_flight() > 0)
    core_->order->fail_run("loads are left in flight without a caller\n"
                           + core_->describe());
}

void simulation::step(std::string_view what) {
  core_->order->step(what);
}

void simulation::sleep(std::chrono::nanoseconds span) {
  core_->order->sleep(span);
}

bool simulation::wait_until(std::string_view what,
                            const std::function<bool()>& pred,
                            time_point deadline) {
  return core_->order->wait_until(what, pred, deadline);
}

void simulation::expect(bool ok, std::string_view text) {
  if (!ok)
    fail(std::string{text});
}

void simulation::fail(const std::string& text) {
  core_->order->fail_run(text);
}

std::uint64_t simulation::below(std::uint64_t bound) noexcept {
  return core_->order->below(bound);
}

bool simulation::chance(unsigned percent) noexcept {
  return core_->order->below(100) < percent;
}

bytes_loader simulation::flaky(bytes_loader f, const loader_faults& how) const {
  return [order = core_->order, f = std::move(f),
          how](load_context& context) -> expected<std::optional<bytes>> {
    const auto steps = [&] {
      for (auto n = order->below(how.most_steps + 1); n > 0; --n)
        order->step("loads", context.key());
    };
    const auto chance
      = [&](unsigned percent) { return order->below(100) < percent; };
    steps();
    if (how.longest > std::chrono::nanoseconds::zero())
      order->sleep(std::chrono::nanoseconds{
        order->below(static_cast<std::uint64_t>(how.longest.count()) + 1)});
    if (chance(how.fails))
      return troupe::fail(errc::load_failed, "as the simulation chose");
    if (chance(how.throws))
      throw std::runtime_error{"as the simulation chose"};
    auto result = f(context);
    steps();
    return result;
  };
}

std::uint64_t simulation::steps() const noexcept {
  return core_->order->steps();
}

std::uint64_t simulation::digest() const noexcept {
  return core_->order->digest();
}

} // namespace troupe::testing
