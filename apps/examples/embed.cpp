// Embedding Troupe: a cache of profiles over a slow "database", used directly
// by this program's threads and by messages of its actors.
//
//   example-embed [--troupe.shards=32] [--help]

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <troupe/troupe.hpp>

using namespace std::chrono_literals;

namespace {

struct profile {
  std::string name;
  int visits = 0;
};

/// Makes the type a value of caches and a message of CAF at once.
template <class Inspector>
auto inspect(Inspector& f, profile& x) {
  return f(x.name, x.visits);
}

/// Stands for whatever is slow and must not be asked twice.
class database {
public:
  profile load_profile(const std::string& id) {
    std::cout << "database: asked for " << id << '\n';
    return {"user " + id, 0};
  }
};

/// Any actor can ask the same cache by message; values travel encoded.
caf::behavior greeter(caf::event_based_actor* self,
                      const troupe::region_actor& profiles) {
  self->request(profiles, 1s, troupe::get_request{"42"})
    .then(
      [](const troupe::get_reply& reply) {
        auto x = troupe::decode<profile>(reply.value);
        if (reply.found && x)
          std::cout << "actor: hello " << x->name << '\n';
        else
          std::cout << "actor: nobody there\n";
      },
      [](const caf::error& e) {
        std::cout << "actor: " << to_string(troupe::from_caf(e)) << '\n';
      });
  return {};
}

int run(caf::actor_system& system) {
  troupe::runtime runtime{system};
  auto opened = runtime.open<profile>("profiles", {.ttl = 5min, .jitter = 0.1});
  if (!opened) {
    std::cerr << to_string(opened.error()) << '\n';
    return 1;
  }
  auto& profiles = *opened;

  // However many threads ask at once, the database is asked once.
  database db;
  for (int i = 0; i < 2; ++i) {
    auto p = profiles.get_or_set(
      "42", [&](const std::string& id) { return db.load_profile(id); });
    if (p.failed()) {
      std::cerr << to_string(p.error()) << '\n';
      return 1;
    }
    std::cout << "main: " << (p ? p->name : "nobody") << '\n';
  }

  // No update is lost, although none of them locks anything.
  auto updated = profiles.update("42", [](std::optional<profile> old) {
    auto x = old.value_or(profile{});
    ++x.visits;
    return x;
  });
  if (updated)
    std::cout << "main: " << updated->visits << " visit(s)\n";

  auto actor = system.spawn(greeter, profiles.actor());
  system.await_all_actors_done();

  // No load that began before this line can bring "42" back.
  if (profiles.erase("42"))
    std::cout << "main: erased 42\n";
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
