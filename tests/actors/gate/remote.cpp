#include <troupe/actors/gate/remote.hpp>

#include <chrono>
#include <mutex>
#include <optional>

#include <caf/actor_system.hpp>

#include <sys/socket.h>

#include <troupe/actors/config.hpp>
#include <troupe/actors/gate/detail/listener.hpp>

#include "catch.hpp"
#include "progress.hpp"
#include "scratch_folder.hpp"

using namespace std::chrono_literals;
using namespace troupe;

TEST_CASE("a connection whose greeting is late is closed") {
  scratch_folder scratch;
  const console_socket where{scratch.path + "/a.sock"};
  std::mutex mutex;
  std::optional<gate::guest> inside;
  // Lets consoles in, and says nothing more.
  const auto silent = gate::listener::open(where, [&](gate::guest x) {
    std::lock_guard guard{mutex};
    inside.emplace(std::move(x));
  });
  REQUIRE(silent);
  config cfg;
  cfg.enable_remote();
  caf::actor_system system{cfg};
  CHECK(connect(system, where, 200ms).error() == errc::timeout);
  // After CAF's own greeting, the end.
  eventually([&] {
    std::lock_guard guard{mutex};
    char bytes[256];
    return inside
           && ::recv(inside->descriptor.get(), bytes, sizeof(bytes),
                     MSG_DONTWAIT)
                == 0;
  });
}
