#pragma once

// Counters that are actors: every addition is a request to one.

#include <cstdint>
#include <string>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <apps/bench/mailbox/counter.hpp>

namespace troupe::bench {

/// Adds one and answers with the new value.
using counter_actor
  = caf::typed_actor<caf::replies_to<caf::add_atom>::with<std::uint64_t>>;

/// An addition that is asked for and lost would show in the total.
inline void ignore(const caf::error&) {
  // nop
}

/// Knows the actor and can ask it for the total: every addition answers with
/// the new value.
class actor_counter : public counter {
public:
  actor_counter(caf::actor_system& system, counter_actor target,
                std::string name, std::string what)
    : counter(std::move(name), std::move(what)),
      system_(system),
      target_(std::move(target)) {
    // nop
  }

  ~actor_counter() override {
    stop();
  }

  bool slow() const override {
    return true;
  }

  std::uint64_t value() override {
    std::uint64_t result = 0;
    caf::scoped_actor self{system_};
    self->request(target_, caf::infinite, caf::add_atom_v)
      .receive([&](std::uint64_t x) { result = x; }, ignore);
    // This addition and those of earlier calls are not the threads'.
    return result - ++asked_;
  }

protected:
  /// Ends the actor and returns when it has ended.
  void stop() {
    if (!target_)
      return;
    caf::scoped_actor self{system_};
    self->send_exit(target_, caf::exit_reason::user_shutdown);
    self->wait_for(target_);
    target_ = nullptr;
  }

  [[nodiscard]] caf::actor_system& system() const noexcept {
    return system_;
  }

  [[nodiscard]] const counter_actor& target() const noexcept {
    return target_;
  }

private:
  caf::actor_system& system_;
  counter_actor target_;
  std::uint64_t asked_ = 0;
};

/// A thread that is no actor asks and waits.
class scoped_requests : public actor_counter {
public:
  using actor_counter::actor_counter;

  void add(std::uint64_t count) override {
    caf::scoped_actor self{system()};
    for (std::uint64_t i = 0; i < count; ++i)
      self->request(target(), caf::infinite, caf::add_atom_v)
        .receive(
          [](std::uint64_t) {
            // nop
          },
          ignore);
  }
};

} // namespace troupe::bench
