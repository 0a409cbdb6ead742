// A service that is added by one file alone, which is this one.

#include <troupe/actors/services/service.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <troupe/actors/shell/service_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>

#include "actors/fixture.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct add_request {
  std::uint64_t number = 0;
};

template <class Inspector>
auto inspect(Inspector& f, add_request& x) {
  return f(x.number);
}

using dummy_actor = interface<answers<add_request, std::uint64_t>>;

/// The state that the service keeps, and the events that it has seen.
struct dummy_state {
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<int> drains{0};
  std::atomic<bool> stuck{false};
  std::atomic<bool> broken{false};
  std::atomic<bool> worked_in_drain{false};
};

class dummy_shell final : public service_actor<dummy_actor> {
public:
  dummy_shell(caf::actor_config& cfg, std::shared_ptr<dummy_state> state)
    : service_actor(cfg), state_(std::move(state)) {
    // nop
  }

  behavior_type make_behavior() override {
    return {[this](const add_request& x) { return state_->sum += x.number; }};
  }

private:
  std::shared_ptr<dummy_state> state_;
};

class dummy_service final : public typed_service<dummy_actor> {
public:
  explicit dummy_service(std::string name = "dummy") : name_(std::move(name)) {
    // nop
  }

  std::string name() const override {
    return name_;
  }

  std::string kind() const override {
    return "adder";
  }

  child_figures usage() const override {
    return {0, 7, 0, state->sum};
  }

  std::vector<service_figure> figures() const override {
    return {{"sum", state->sum}};
  }

  void add_rows(std::string_view prefix, actor_list& to) const override {
    actor_info row;
    row.name = name_ + "/part";
    row.parent = name_;
    row.kind = "part";
    row.state = "running";
    if (row.name.starts_with(prefix))
      to.actors.push_back(row);
    to.omitted += 3;
  }

  void tick() override {
    ++state->ticks;
  }

  std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline) override {
    ++state->drains;
    if (before_end)
      before_end();
    if (!state->stuck)
      return {};
    std::this_thread::sleep_until(deadline);
    return {"addition 1 of " + name_};
  }

  const std::shared_ptr<dummy_state> state = std::make_shared<dummy_state>();
  std::function<void()> before_end;

protected:
  dummy_actor start_actor(caf::actor_system& system) override {
    if (state->broken)
      throw std::runtime_error("no numbers left");
    return spawn_hidden<dummy_shell>(system, state);
  }

private:
  const std::string name_;
};

struct fixture : runtime_fixture {
  using runtime_fixture::runtime_fixture;

  std::shared_ptr<dummy_service> add(const std::string& name = "dummy") {
    auto x = std::make_shared<dummy_service>(name);
    REQUIRE(uut->add(x));
    return x;
  }

  std::uint64_t send(const dummy_service& x, std::uint64_t number) {
    const auto sum = ask<std::uint64_t>(x.actor(), add_request{number});
    REQUIRE(sum);
    return *sum;
  }

  std::vector<service_info> services() {
    return uut->stat().services;
  }
};

} // namespace

TEST_CASE("a service is an actor in the tree, with kind and rows") {
  fixture f;
  const auto dummy = f.add();
  CHECK(f.send(*dummy, 3) == 3);
  const auto row = f.row("dummy");
  CHECK(row.parent == "supervisor");
  CHECK(row.kind == "adder");
  CHECK(row.state == "running");
  CHECK(row.restarts == 0);
  CHECK(row.handled == 7);
  CHECK(row.keys == 3);
  const auto part = f.row("dummy/part");
  CHECK(part.parent == "dummy");
  CHECK(f.ask<actor_list>(f.uut->supervisor(), list_actors_request{})->omitted
        == 3);
  f.self
    ->request(f.uut->supervisor(), caf::infinite, find_actor_request{"dummy"})
    .receive(
      [&](const std::string& kind, const caf::strong_actor_ptr& who) {
        CHECK(kind == "adder");
        CHECK(who == dummy->pointer());
      },
      [](const caf::error&) { FAIL("no such actor"); });
}

TEST_CASE("a service shows its figures, Troupe's own as well") {
  fixture f;
  const auto dummy = f.add();
  f.send(*dummy, 5);
  const auto all = f.services();
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "load-coordinator");
  CHECK(all[1].name == "topics");
  CHECK(all[2].name == "dummy");
  CHECK(all[2].kind == "adder");
  REQUIRE(all[2].figures.size() == 1);
  CHECK(all[2].figures[0].name == "sum");
  CHECK(all[2].figures[0].value == 5);
}

TEST_CASE("a service's actor that is killed is started again") {
  fixture f;
  const auto dummy = f.add();
  f.send(*dummy, 1);
  const auto first = dummy->pointer();
  f.kill("dummy");
  CHECK(f.row("dummy").restarts == 1);
  CHECK(f.row("dummy").state == "running");
  CHECK(dummy->pointer() != first);
  // The state belongs to the service, so it survived the crash of the actor.
  CHECK(f.send(*dummy, 1) == 2);
}

TEST_CASE(
  "a service that crashes too often stays down, until it is restarted") {
  runtime_options options;
  options.restart_limit = 1;
  fixture f{options};
  const auto dummy = f.add();
  f.kill("dummy");
  f.kill("dummy");
  CHECK(f.row("dummy").state == "failed");
  CHECK(f.ask<std::uint64_t>(dummy->actor(), add_request{1}).error()
        == errc::shard_down);
  REQUIRE(f.uut->restart("dummy"));
  CHECK(f.send(*dummy, 1) == 1);
}

TEST_CASE("a service that cannot be started again is given up") {
  fixture f;
  const auto dummy = f.add();
  dummy->state->broken = true;
  f.kill("dummy");
  CHECK(f.row("dummy").state == "failed");
  CHECK(f.uut->restart("dummy").error() == errc::system_error);
  dummy->state->broken = false;
  REQUIRE(f.uut->restart("dummy"));
  CHECK(f.send(*dummy, 1) == 1);
}

TEST_CASE("a service is ticked") {
  fixture f;
  const auto dummy = f.add();
  eventually([&] { return dummy->state->ticks >= 3; });
}

TEST_CASE("services are drained once, the youngest first") {
  fixture f;
  const auto first = f.add("first");
  const auto second = f.add("second");
  auto where = f.open();
  std::vector<std::string> order;
  first->before_end = [&] {
    order.emplace_back("first");
    // Older services and regions still work.
    CHECK(f.uut->topics().publish("a", "b"));
    CHECK(where->set("k", "v"));
  };
  second->before_end = [&] { order.emplace_back("second"); };
  const auto report = f.uut->drain(10s);
  CHECK(report.stuck.empty());
  CHECK(order == std::vector<std::string>{"second", "first"});
  f.uut->drain(1s);
  CHECK(first->state->drains == 1);
  CHECK(f.row("first").state == "stopped");
  CHECK_FALSE(first->actor());
  // No tick comes after the drain.
  const auto ticks = first->state->ticks.load();
  f.uut.reset();
  CHECK(first->state->ticks == ticks);
}

TEST_CASE("a service that is stuck in a drain is named at the deadline") {
  fixture f;
  const auto dummy = f.add();
  dummy->state->stuck = true;
  const auto report = f.uut->drain(50ms);
  CHECK(report.stuck == std::vector<std::string>{"addition 1 of dummy"});
  CHECK(report.took >= 50ms);
}

TEST_CASE("a service whose actor does not end is named") {
  std::atomic<bool> go_on{false};
  fixture f;
  // An actor whose turn does not end.
  class blocker final : public service_actor<dummy_actor> {
  public:
    blocker(caf::actor_config& cfg, std::atomic<bool>* end)
      : service_actor(cfg), end_(end) {
      // nop
    }

    behavior_type make_behavior() override {
      return {[this](const add_request& x) {
        end_->wait(false);
        return x.number;
      }};
    }

  private:
    std::atomic<bool>* end_;
  };
  class blocking_service final : public typed_service<dummy_actor> {
  public:
    explicit blocking_service(std::atomic<bool>* end) : end_(end) {
      // nop
    }

    std::string name() const override {
      return "blocker";
    }

    std::string kind() const override {
      return "blocker";
    }

  protected:
    dummy_actor start_actor(caf::actor_system& system) override {
      return spawn_hidden<blocker>(system, end_);
    }

  private:
    std::atomic<bool>* end_;
  };
  const auto blocked = std::make_shared<blocking_service>(&go_on);
  REQUIRE(f.uut->add(blocked));
  caf::anon_send(blocked->actor(), add_request{1});
  const auto report = f.uut->drain(50ms);
  go_on = true;
  go_on.notify_all();
  CHECK(report.stuck == std::vector<std::string>{"actor blocker"});
}

TEST_CASE("what cannot be a service is refused, and changes nothing") {
  fixture f;
  f.open("db0");
  const auto refused = [&](const std::string& name) {
    return f.uut->add(std::make_shared<dummy_service>(name)).error();
  };
  for (const auto* name :
       {"", "a/b", "a b", "supervisor", "load-coordinator", "topics", "db0"})
    CHECK(refused(name) == errc::invalid_argument);
  CHECK(f.uut->add(nullptr).error() == errc::invalid_argument);
  auto broken = std::make_shared<dummy_service>();
  broken->state->broken = true;
  CHECK(f.uut->add(broken).error() == errc::system_error);
  CHECK(f.services().size() == 2);
  // The name can still be used.
  const auto dummy = f.add();
  CHECK(f.uut->open_region("dummy").error() == errc::invalid_argument);
  CHECK(refused("dummy") == errc::invalid_argument);
  f.uut->drain(1s);
  CHECK(refused("other") == errc::shutting_down);
}

TEST_CASE("services come, crash and drain at the same time") {
  fixture f;
  std::vector<std::shared_ptr<dummy_service>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::make_shared<dummy_service>("s" + std::to_string(i)));
  std::atomic<int> added{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < all.size(); i += 2)
          if (f.uut->add(all[i])) {
            ++added;
            caf::anon_send(f.uut->supervisor(), kill_request{all[i]->name()});
          }
      });
    threads.emplace_back([&] { f.uut->drain(10s); });
  }
  int drained = 0;
  for (const auto& x : all)
    drained += x->state->drains;
  CHECK(drained == added);
}
