#include <troupe/actors/shell/lane_actor.hpp>

#include <apps/bench/mailbox/actor_counter.hpp>

namespace troupe::bench {

namespace {

/// The counting actor on one of our lanes.
class counter_on_lane final : public lane_actor<counter_actor> {
public:
  counter_on_lane(caf::actor_config& cfg, lane& mailbox)
    : lane_actor<counter_actor>(cfg, mailbox) {
    // nop
  }

  counter_actor::behavior_type make_behavior() override {
    return {[this](caf::add_atom) { return ++value_; }};
  }

private:
  std::uint64_t value_ = 0;
};

/// What the actor runs on. A base class, to be there before and after it.
struct lane_with_scheduler {
  explicit lane_with_scheduler(caf::actor_system& system)
    : scheduler(system), mailbox(scheduler) {
    // nop
  }

  lane_scheduler scheduler;
  lane mailbox;
};

class inline_requests final : private lane_with_scheduler,
                              public scoped_requests {
public:
  explicit inline_requests(caf::actor_system& system)
    : lane_with_scheduler(system),
      scoped_requests(system, system.spawn<counter_on_lane>(mailbox),
                      "scoped-to-lane",
                      "Troupe: scoped_actor asks an actor on a lane") {
    // nop
  }

  ~inline_requests() override {
    stop();
    // The turn in which the actor ended may still be on its way out.
    auto last = []() noexcept {};
    blocking_task<decltype(last)> task{last};
    mailbox.run(task);
    scheduler.close();
  }

  bool slow() const override {
    return false;
  }
};

} // namespace

void add_lane_actors(counter_list& list, caf::actor_system& system) {
  list.push_back(std::make_unique<inline_requests>(system));
}

} // namespace troupe::bench
