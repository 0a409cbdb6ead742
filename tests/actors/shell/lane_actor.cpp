#include <troupe/actors/shell/lane_actor.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>

#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/types/defaults.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

using probe_actor = caf::typed_actor<
  // The thread that handles this.
  caf::replies_to<caf::get_atom>::with<std::uint64_t>,
  // Message `second` of sender `first`.
  caf::reacts_to<caf::put_atom, std::uint64_t, std::uint64_t>,
  // How many messages came in order.
  caf::replies_to<caf::ok_atom>::with<std::uint64_t>,
  // Throws.
  caf::replies_to<std::string>::with<std::uint64_t>,
  // Asks another actor and passes the answer on; a timeout in milliseconds.
  caf::replies_to<caf::actor, std::uint64_t>::with<std::uint64_t>,
  // The same with `await`, which a lane actor cannot do.
  caf::replies_to<caf::join_atom, caf::actor>::with<std::uint64_t>,
  // Answers itself after some milliseconds.
  caf::replies_to<caf::tick_atom, std::uint64_t>::with<std::uint64_t>,
  caf::reacts_to<caf::tick_atom>,
  // Links.
  caf::reacts_to<caf::link_atom, caf::actor>,
  // Monitors.
  caf::reacts_to<caf::monitor_atom, caf::actor>>;

std::uint64_t this_thread() {
  return std::hash<std::thread::id>{}(std::this_thread::get_id());
}

/// What outlives the actor and is looked at from outside.
struct probe_log {
  std::atomic<bool> inside{false};
  std::atomic<bool> overlapped{false};
  std::atomic<bool> reordered{false};
  std::atomic<int> started{0};
  std::atomic<int> ended{0};
  std::atomic<int> downs{0};
  std::atomic<std::uint64_t> dropped{0};
};

class probe final : public lane_actor<probe_actor> {
public:
  probe(caf::actor_config& cfg, std::shared_ptr<lane> mailbox,
        std::shared_ptr<probe_log> log)
    : lane_actor(cfg, *mailbox),
      mailbox_(std::move(mailbox)),
      log_(std::move(log)) {
    set_exception_handler([](caf::scheduled_actor*, std::exception_ptr&) {
      return caf::make_error(caf::sec::runtime_error);
    });
    set_down_handler(
      [this](caf::scheduled_actor*, caf::down_msg&) { ++log_->downs; });
  }

  behavior_type make_behavior() override {
    ++log_->started;
    return {
      [](caf::get_atom) { return this_thread(); },
      [this](caf::put_atom, std::uint64_t from, std::uint64_t number) {
        on_put(from, number);
      },
      [this](caf::ok_atom) {
        log_->dropped = dropped();
        return handled_;
      },
      [](const std::string& text) -> std::uint64_t {
        throw std::runtime_error(text);
      },
      [this](const caf::actor& other, std::uint64_t patience) {
        return on_ask(other, patience);
      },
      [this](caf::join_atom, const caf::actor& other) {
        auto promise = make_response_promise<std::uint64_t>();
        request(other, caf::infinite, caf::get_atom_v)
          .await([promise](std::uint64_t x) mutable { promise.deliver(x); });
        return promise;
      },
      [this](caf::tick_atom, std::uint64_t wait) {
        tick_ = make_response_promise<std::uint64_t>();
        delayed_send(this, std::chrono::milliseconds{wait}, caf::tick_atom_v);
        return tick_;
      },
      [this](caf::tick_atom) { tick_.deliver(std::uint64_t{1}); },
      [this](caf::link_atom, const caf::actor& other) { link_to(other); },
      [this](caf::monitor_atom, const caf::actor& other) { monitor(other); },
    };
  }

  void on_exit() override {
    ++log_->ended;
  }

private:
  void on_put(std::uint64_t from, std::uint64_t number) {
    if (log_->inside.exchange(true))
      log_->overlapped = true;
    if (last_[from] + 1 != number)
      log_->reordered = true;
    last_[from] = number;
    ++handled_;
    log_->inside = false;
  }

  caf::result<std::uint64_t> on_ask(const caf::actor& other,
                                    std::uint64_t patience) {
    auto promise = make_response_promise<std::uint64_t>();
    request(other, std::chrono::milliseconds{patience}, caf::get_atom_v)
      .then([promise](std::uint64_t x) mutable { promise.deliver(x); },
            [promise](caf::error& e) mutable { promise.deliver(e); });
    return promise;
  }

  std::shared_ptr<lane> mailbox_;
  std::shared_ptr<probe_log> log_;
  std::map<std::uint64_t, std::uint64_t> last_;
  std::uint64_t handled_ = 0;
  caf::typed_response_promise<std::uint64_t> tick_;
};

struct test_config : caf::actor_system_config {
  explicit test_config(const std::string& policy = "stealing") {
    set("scheduler.policy", caf::atom_from_string(policy));
    set("scheduler.max-threads", std::size_t{2});
    add_error_category(error_category, render_error);
    add_message_type<probe_actor>("probe_actor");
  }
};

struct fixture {
  explicit fixture(const std::string& policy = "stealing")
    : cfg(policy), system(cfg), self(system) {
    // nop
  }

  probe_actor spawn() {
    return system.spawn<probe>(mailbox, log);
  }

  /// The answer to a request, or its error as one of ours.
  template <class... Ts>
  expected<std::uint64_t> ask(const probe_actor& whom, Ts&&... xs) {
    expected<std::uint64_t> result = fail(errc::none);
    self->request(whom, 10s, std::forward<Ts>(xs)...)
      .receive([&](std::uint64_t x) { result = x; },
               [&](const caf::error& e) {
                 result = tl::unexpected<error>{from_caf(e)};
               });
    return result;
  }

  /// Why the monitored actor ended.
  caf::error await_down() {
    caf::error result;
    self->receive([&](const caf::down_msg& x) { result = x.reason; });
    return result;
  }

  /// Has the lane busy until told to go on.
  struct occupation {
    explicit occupation(std::shared_ptr<lane> where) {
      runner = std::thread{[this, where] {
        auto hold = [this]() noexcept {
          busy.count_down();
          go_on.wait();
        };
        blocking_task<decltype(hold)> task{hold};
        where->run(task);
      }};
      busy.wait();
    }

    ~occupation() {
      end();
    }

    void end() {
      if (!runner.joinable())
        return;
      go_on.count_down();
      runner.join();
    }

    std::latch busy{1};
    std::latch go_on{1};
    std::thread runner;
  };

  test_config cfg;
  caf::actor_system system;
  std::shared_ptr<lane_scheduler> executor
    = std::make_shared<lane_scheduler>(system);
  std::shared_ptr<lane> mailbox{new lane(*executor),
                                [keep = executor](lane* x) { delete x; }};
  std::shared_ptr<probe_log> log = std::make_shared<probe_log>();
  caf::scoped_actor self;
};

caf::actor spawn_answering(caf::actor_system& system) {
  return system.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](caf::get_atom) { return std::uint64_t{42}; }};
  });
}

caf::actor spawn_silent(caf::actor_system& system) {
  return system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](caf::get_atom) -> caf::result<std::uint64_t> {
      return self->make_response_promise<std::uint64_t>();
    }};
  });
}

} // namespace

TEST_CASE("an idle lane actor handles a request on the sender's thread") {
  fixture f;
  auto actor = f.spawn();
  CHECK(f.ask(actor, caf::get_atom_v) == this_thread());
  CHECK(f.log->started == 1);
}

TEST_CASE("a message without an execution unit is handled by a worker") {
  fixture f;
  auto actor = f.spawn();
  for (std::uint64_t i = 1; i <= 1000; ++i)
    caf::anon_send(actor, caf::put_atom_v, std::uint64_t{0}, i);
  // Follows the others although this sender has an execution unit.
  CHECK(f.ask(actor, caf::ok_atom_v) == 1000u);
  CHECK_FALSE(f.log->reordered);
}

TEST_CASE(
  "a lane actor handles one message at a time, in each sender's order") {
  constexpr std::uint64_t threads = 4;
  constexpr std::uint64_t messages = 20'000;
  fixture f;
  auto actor = f.spawn();
  {
    std::vector<std::jthread> senders;
    for (std::uint64_t id = 0; id < threads; ++id)
      senders.emplace_back([&, id] {
        caf::scoped_actor self{f.system};
        for (std::uint64_t i = 1; i <= messages; ++i) {
          // Both ways into the mailbox, in one order.
          if (i % 7 == 0)
            caf::anon_send(actor, caf::put_atom_v, id, i);
          else
            self->send(actor, caf::put_atom_v, id, i);
          // Keeps within the mailbox's bound.
          if (i % 1000 == 0)
            self->request(actor, caf::infinite, caf::ok_atom_v)
              .receive([](std::uint64_t) {}, [](const caf::error&) {});
        }
      });
  }
  CHECK(f.ask(actor, caf::ok_atom_v) == threads * messages);
  CHECK_FALSE(f.log->overlapped);
  CHECK_FALSE(f.log->reordered);
  CHECK(f.log->dropped == 0);
}

TEST_CASE("a throwing handler ends a lane actor and answers its requester") {
  fixture f;
  auto actor = f.spawn();
  f.self->monitor(actor);
  CHECK(f.ask(actor, std::string{"boom"}).error() == errc::shard_down);
  CHECK(f.await_down() == caf::sec::runtime_error);
  CHECK(f.ask(actor, caf::get_atom_v).error() == errc::shard_down);
  CHECK(f.log->ended == 1);
}

TEST_CASE("requests that wait behind a crash of a lane actor are answered") {
  fixture f;
  auto actor = f.spawn();
  fixture::occupation busy{f.mailbox};
  std::vector<std::jthread> askers;
  std::atomic<int> down{0};
  std::latch sent{8};
  for (int i = 0; i < 8; ++i)
    askers.emplace_back([&] {
      caf::scoped_actor self{f.system};
      auto handle = self->request(actor, caf::infinite, std::string{"boom"});
      sent.count_down();
      handle.receive([](std::uint64_t) {},
                     [&](const caf::error& e) {
                       if (from_caf(e) == errc::shard_down)
                         ++down;
                     });
    });
  sent.wait();
  busy.end();
  askers.clear();
  CHECK(down == 8);
}

TEST_CASE("a lane actor can be monitored, killed and shut down") {
  fixture f;
  for (auto reason :
       {caf::exit_reason::kill, caf::exit_reason::user_shutdown}) {
    auto actor = f.spawn();
    f.self->monitor(actor);
    f.self->send_exit(actor, reason);
    CHECK(f.await_down() == reason);
    f.self->monitor(actor);
    CHECK(f.await_down() == reason);
  }
  auto actor = f.spawn();
  f.self->monitor(actor);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  CHECK(f.await_down() == caf::exit_reason::kill);
}

TEST_CASE("a lane actor monitors others") {
  fixture f;
  auto actor = f.spawn();
  auto other = spawn_answering(f.system);
  f.self->send(actor, caf::monitor_atom_v, other);
  f.self->monitor(other);
  f.self->send_exit(other, caf::exit_reason::kill);
  f.await_down();
  // Monitors are told in the order in which they came.
  caf::anon_send_exit(other, caf::exit_reason::kill);
  while (f.log->downs == 0)
    CHECK(f.ask(actor, caf::ok_atom_v));
  CHECK(f.log->downs == 1);
}

TEST_CASE("a linked lane actor ends with its peer, and the peer with it") {
  fixture f;
  auto actor = f.spawn();
  auto peer = spawn_answering(f.system);
  f.self->send(actor, caf::link_atom_v, peer);
  f.self->monitor(actor);
  f.self->send_exit(peer, caf::exit_reason::user_shutdown);
  CHECK(f.await_down() == caf::exit_reason::user_shutdown);

  actor = f.spawn();
  peer = spawn_answering(f.system);
  f.self->send(actor, caf::link_atom_v, peer);
  f.self->monitor(peer);
  f.self->send_exit(actor, caf::exit_reason::user_shutdown);
  CHECK(f.await_down() == caf::exit_reason::user_shutdown);

  actor = f.spawn();
  f.self->monitor(actor);
  f.self->send(actor, caf::link_atom_v, peer);
  // Linking to the dead peer is as if it died now.
  CHECK(f.await_down() == caf::exit_reason::user_shutdown);
}

TEST_CASE("a lane actor asks others and gets answers, errors and timeouts") {
  fixture f;
  auto actor = f.spawn();
  auto answering = spawn_answering(f.system);
  auto silent = spawn_silent(f.system);
  CHECK(f.ask(actor, answering, std::uint64_t{10'000}) == 42u);
  CHECK(f.ask(actor, silent, std::uint64_t{1}).error() == errc::timeout);
  f.self->send_exit(answering, caf::exit_reason::kill);
  CHECK(f.ask(actor, answering, std::uint64_t{10'000}).error()
        == errc::shard_down);
  f.self->send_exit(silent, caf::exit_reason::kill);
  f.self->send_exit(actor, caf::exit_reason::kill);
}

TEST_CASE("a lane actor sends itself delayed messages") {
  fixture f;
  auto actor = f.spawn();
  CHECK(f.ask(actor, caf::tick_atom_v, std::uint64_t{1}) == 1u);
}

TEST_CASE("lane actors ask each other in a circle") {
  fixture f;
  auto other_mailbox = std::shared_ptr<lane>{
    new lane(*f.executor), [keep = f.executor](lane* x) { delete x; }};
  auto first = f.spawn();
  probe_actor second = f.system.spawn<probe>(other_mailbox, f.log);
  CHECK(f.ask(first, caf::actor_cast<caf::actor>(second), std::uint64_t{10'000})
        == this_thread());
  CHECK(f.ask(first, caf::actor_cast<caf::actor>(first), std::uint64_t{10'000})
        == this_thread());
  // The timeouts would keep the actors alive.
  f.self->send_exit(first, caf::exit_reason::kill);
  f.self->send_exit(second, caf::exit_reason::kill);
}

TEST_CASE("a message that a lane actor would skip is answered by an error") {
  fixture f;
  auto actor = f.spawn();
  auto slow = f.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    auto promise = std::make_shared<caf::response_promise>();
    return {[=](caf::get_atom) {
              *promise = self->make_response_promise();
              return *promise;
            },
            [=](caf::ok_atom) { promise->deliver(std::uint64_t{42}); }};
  });
  auto pending = f.self->request(actor, 10s, caf::join_atom_v, slow);
  CHECK(f.ask(actor, caf::get_atom_v).error() == errc::invalid_argument);
  f.self->send(slow, caf::ok_atom_v);
  pending.receive([](std::uint64_t x) { CHECK(x == 42); },
                  [](const caf::error&) { FAIL("no answer"); });
  f.self->send_exit(slow, caf::exit_reason::kill);
}

TEST_CASE("a full lane refuses requests and drops messages but no signals") {
  fixture f;
  auto actor = f.spawn();
  fixture::occupation busy{f.mailbox};
  for (std::uint64_t i = 1; i <= defaults::mailbox_limit; ++i)
    f.self->send(actor, caf::put_atom_v, std::uint64_t{0}, i);
  auto over = f.ask(actor, caf::get_atom_v);
  CHECK(over.error() == errc::overloaded);
  f.self->send(actor, caf::put_atom_v, std::uint64_t{0}, std::uint64_t{0});
  f.self->monitor(actor);
  f.self->send_exit(actor, caf::exit_reason::user_shutdown);
  busy.end();
  CHECK(f.await_down() == caf::exit_reason::user_shutdown);
  CHECK_FALSE(f.log->reordered);
}

TEST_CASE("a lane actor counts the messages that it dropped") {
  fixture f;
  auto actor = f.spawn();
  {
    fixture::occupation busy{f.mailbox};
    for (std::uint64_t i = 1; i <= defaults::mailbox_limit + 3; ++i)
      f.self->send(actor, caf::put_atom_v, std::uint64_t{0}, i);
  }
  CHECK(f.ask(actor, caf::ok_atom_v) == defaults::mailbox_limit);
  CHECK(f.log->dropped == 3);
}

TEST_CASE("a lane actor without handles ends after its last message") {
  fixture f;
  {
    fixture::occupation busy{f.mailbox};
    auto actor = f.spawn();
    for (std::uint64_t i = 1; i <= 100; ++i)
      f.self->send(actor, caf::put_atom_v, std::uint64_t{0}, i);
    f.self->monitor(actor);
    actor = nullptr;
    f.mailbox.reset();
    CHECK(f.log->ended == 0);
  }
  CHECK(f.await_down() == caf::exit_reason::unreachable);
  CHECK(f.log->started == 1);
  CHECK(f.log->ended == 1);
  CHECK_FALSE(f.log->reordered);
}

TEST_CASE("a lazy lane actor starts with its first message") {
  fixture f;
  probe_actor actor = f.system.spawn<probe, caf::lazy_init>(f.mailbox, f.log);
  CHECK(f.log->started == 0);
  CHECK(f.ask(actor, caf::get_atom_v) == this_thread());
  CHECK(f.log->started == 1);
}

TEST_CASE("a lane actor that is to run detached runs in its lane") {
  fixture f;
  probe_actor actor = f.system.spawn<probe, caf::detached>(f.mailbox, f.log);
  CHECK(f.ask(actor, caf::get_atom_v) == this_thread());
}

TEST_CASE("two lane actors may follow one another in one lane") {
  fixture f;
  auto first = f.spawn();
  f.self->monitor(first);
  f.self->send_exit(first, caf::exit_reason::kill);
  f.await_down();
  auto second = f.spawn();
  CHECK(f.ask(second, caf::get_atom_v) == this_thread());
  CHECK(f.ask(first, caf::get_atom_v).error() == errc::shard_down);
}

TEST_CASE("code in a lane actor's turn delivers its promises") {
  fixture f;
  auto actor = f.spawn();
  auto* raw
    = caf::actor_cast<probe*>(caf::actor_cast<caf::strong_actor_ptr>(actor));
  std::promise<std::uint64_t> done;
  {
    fixture::occupation busy{f.mailbox};
    raw->in_turn([&] { done.set_value(this_thread()); });
  }
  CHECK(done.get_future().get() != 0);
}

TEST_CASE("a lane actor answers over the network") {
  struct network_config : test_config {
    network_config() {
      load<caf::io::middleman>();
    }
  };
  network_config server_cfg;
  network_config client_cfg;
  caf::actor_system server{server_cfg};
  auto executor = std::make_shared<lane_scheduler>(server);
  std::shared_ptr<lane> mailbox{new lane(*executor),
                                [executor](lane* x) { delete x; }};
  auto log = std::make_shared<probe_log>();
  {
    caf::actor_system client{client_cfg};
    auto actor = server.spawn<probe>(mailbox, log);
    auto port = server.middleman().publish(actor, 0, "127.0.0.1");
    REQUIRE(port);
    auto remote
      = client.middleman().remote_actor<probe_actor>("127.0.0.1", *port);
    REQUIRE(remote);
    caf::scoped_actor self{client};
    for (std::uint64_t i = 1; i <= 1000; ++i)
      self->send(*remote, caf::put_atom_v, std::uint64_t{0}, i);
    self->request(*remote, 10s, caf::ok_atom_v)
      .receive([](std::uint64_t x) { CHECK(x == 1000); },
               [&](const caf::error& e) { FAIL(client.render(e)); });
    CHECK_FALSE(log->reordered);
    self->monitor(*remote);
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    self->receive([](const caf::down_msg& x) {
      CHECK(x.reason == caf::exit_reason::kill);
    });
    server.middleman().unpublish(actor, *port);
  }
}

TEST_CASE("a lane actor works under the testing scheduler") {
  fixture f{"testing"};
  auto& scheduler
    = dynamic_cast<caf::scheduler::test_coordinator&>(f.system.scheduler());
  auto actor = f.spawn();
  CHECK(f.ask(actor, caf::get_atom_v) == this_thread());

  // What takes the detour waits for the scheduler.
  caf::anon_send(actor, caf::put_atom_v, std::uint64_t{0}, std::uint64_t{1});
  f.self->send(actor, caf::put_atom_v, std::uint64_t{0}, std::uint64_t{2});
  auto count = f.self->request(actor, caf::infinite, caf::ok_atom_v);
  scheduler.run();
  count.receive([](std::uint64_t x) { CHECK(x == 2); },
                [](const caf::error&) { FAIL("no answer"); });
  CHECK_FALSE(f.log->reordered);

  // Virtual time.
  auto tick = f.self->request(actor, caf::infinite, caf::tick_atom_v,
                              std::uint64_t{3'600'000});
  scheduler.run();
  CHECK(scheduler.advance_time(3600s) > 0);
  scheduler.run();
  tick.receive([](std::uint64_t x) { CHECK(x == 1); },
               [](const caf::error&) { FAIL("no answer"); });
}
