#pragma once

#include <functional>
#include <future>
#include <optional>
#include <thread>

#include <caf/actor_system.hpp>

namespace troupe::detail {

/// An actor system that a runtime owns. It is made, used for the runtime's end, and
/// destroyed on its own thread, which lives as long as the system.
///
/// Why: CAF (see logger_scope.hpp) keeps a counted reference to the system's logger
/// in a variable of each thread that makes a system, ends one or spawns an actor. On
/// the thread that ends the process, thread-local variables are destroyed before
/// static objects, so the destructor of a static runtime would drop that reference a
/// second time.
///
/// Not thread-safe.
class own_system {
public:
  /// `cfg` must outlive it. Rethrows exceptions of the system's constructor; throws
  /// std::system_error when no thread can be started.
  explicit own_system(caf::actor_system_config& cfg);

  /// Destroys the system.
  ~own_system();

  own_system(const own_system&) = delete;
  own_system& operator=(const own_system&) = delete;

  [[nodiscard]] caf::actor_system& get() noexcept {
    return *system_;
  }

  /// Runs `last`, which must not throw, on the system's thread, and then destroys the
  /// system. Call it once.
  void end(std::function<void()> last);

private:
  void live(caf::actor_system_config& cfg, std::promise<void>& made);

  std::optional<caf::actor_system> system_;
  std::promise<std::function<void()>> last_;
  std::thread thread_;
};

} // namespace troupe::detail
