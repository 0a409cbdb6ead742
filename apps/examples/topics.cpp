// Publishes and subscribes within a program: by call, and by messages of actors.
//
//   example-topics [--help]

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <troupe/troupe.hpp>

using namespace std::chrono_literals;

namespace {

/// An actor that subscribes itself, and ends when the runtime drains its topics.
caf::behavior listener(caf::event_based_actor* self,
                       const troupe::topics_actor& topics) {
  self
    ->request(topics, 1s,
              troupe::subscribe_request{.topic = "project/*", .pattern = true})
    .then([](bool) {},
          [](const caf::error& e) {
            std::cerr << to_string(troupe::from_caf(e)) << '\n';
          });
  return {
    // More messages come only after the answer. Those for a slow actor wait in its
    // queue.
    [](const troupe::topic_message& x) {
      std::cout << "actor: " + x.channel + ": " + x.payload + '\n';
    },
    [self](const troupe::topics_ended& x) {
      std::cout << "actor: the end (" + x.code + ")\n";
      self->quit();
    },
  };
}

int run(caf::actor_system& system) {
  troupe::runtime runtime{system};
  const auto topics = runtime.topics();
  auto heard = topics.subscribe("project/7", [](const troupe::delivery& x) {
    std::cout << "function: " + x.payload() + '\n';
  });
  if (!heard) {
    std::cerr << to_string(heard.error()) << '\n';
    return 1;
  }
  system.spawn(listener, topics.actor());
  while (topics.pattern_subscribers("project/*") == 0)
    std::this_thread::sleep_for(1ms);

  for (const auto* text : {"opened", "saved"})
    if (auto reached = topics.publish("project/7", text); !reached)
      std::cerr << to_string(reached.error()) << '\n';

  // The drain delivers the waiting messages.
  runtime.drain();
  system.await_all_actors_done();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  troupe::config cfg;
  if (auto ok = cfg.parse(argc, argv); !ok) {
    std::cerr << to_string(ok.error()) << '\n';
    return 2;
  }
  if (cfg.cli_helptext_printed)
    return 0;
  caf::actor_system system{cfg};
  return run(system);
}
