#include <future>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <apps/bench/mailbox/actor_counter.hpp>

namespace troupe::bench {

namespace {

/// An ordinary actor, on a worker of CAF's scheduler.
class pooled_counter final : public counter_actor::base {
public:
  using counter_actor::base::base;

  counter_actor::behavior_type make_behavior() override {
    return {[this](caf::add_atom) { return ++value_; }};
  }

private:
  std::uint64_t value_ = 0;
};

using requester_actor = caf::typed_actor<caf::reacts_to<caf::get_atom>>;

/// Keeps `window` requests in flight until `count` have been answered.
class requester final : public requester_actor::base {
public:
  requester(caf::actor_config& cfg, counter_actor target, std::uint64_t count,
            std::uint64_t window, std::promise<void>* finished)
    : requester_actor::base(cfg),
      target_(std::move(target)),
      to_ask_(count),
      to_come_(count),
      window_(window),
      finished_(finished) {
    // nop
  }

  requester_actor::behavior_type make_behavior() override {
    return {[this](caf::get_atom) {
      for (std::uint64_t i = 0; i < window_; ++i)
        ask();
    }};
  }

private:
  void ask() {
    if (to_ask_ == 0)
      return;
    --to_ask_;
    request(target_, caf::infinite, caf::add_atom_v)
      .then([this](std::uint64_t) { answered(); },
            [this](const caf::error&) { answered(); });
  }

  void answered() {
    if (--to_come_ > 0) {
      ask();
      return;
    }
    finished_->set_value();
    quit();
  }

  counter_actor target_;
  std::uint64_t to_ask_;
  std::uint64_t to_come_;
  std::uint64_t window_;
  std::promise<void>* finished_;
};

/// An actor asks in place of each thread.
class actor_requests final : public actor_counter {
public:
  actor_requests(caf::actor_system& system, counter_actor target,
                 std::uint64_t window, std::string name, std::string what)
    : actor_counter(system, std::move(target), std::move(name),
                    std::move(what)),
      window_(window) {
    // nop
  }

  bool slow() const override {
    return false;
  }

  void add(std::uint64_t count) override {
    std::promise<void> finished;
    auto ready = finished.get_future();
    auto asker = system().spawn<requester>(target(), count, window_, &finished);
    caf::anon_send(asker, caf::get_atom_v);
    ready.wait();
  }

private:
  std::uint64_t window_;
};

} // namespace

void add_actors(counter_list& list, caf::actor_system& system) {
  list.push_back(std::make_unique<scoped_requests>(
    system, system.spawn<pooled_counter>(), "scoped-to-pooled",
    "CAF: scoped_actor asks a pooled actor"));
  list.push_back(std::make_unique<actor_requests>(
    system, system.spawn<pooled_counter>(), 1, "actor-to-pooled",
    "CAF: pooled actor asks a pooled actor"));
  list.push_back(std::make_unique<actor_requests>(
    system, system.spawn<pooled_counter>(), 64, "actor-to-pooled-64",
    "CAF: the same, 64 requests in flight"));
}

} // namespace troupe::bench
