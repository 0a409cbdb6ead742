#pragma once

// The runtime: opens caches, keeps the actors that own them, and ends them in
// order.
//
//   supervisor                         monitors all others, answers the console
//   ├─ load-coordinator                who loads, who waits
//   ├─ profiles                        a region: the front of its shards
//   │  ├─ profiles/shard-0
//   │  └─ profiles/shard-1 ...
//   └─ sessions ...

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <caf/fwd.hpp>

#include <troupe/actors/cache.hpp>
#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/regions/opened_region.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/runtime_hooks.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class config;
struct runtime_options;

namespace detail {
class own_system;
class runtime_core;
} // namespace detail

/// Thread-safe. An application has one; several in one actor system are
/// possible. All actors it starts are hidden from `await_all_actors_done`.
///
/// Threading: blocking operations of its caches may be called from any thread
/// but those of CAF's scheduler, whose actors better send messages.
///
/// Static storage: a runtime with an actor system of its own may be a static
/// object of a program; it ends when the process does. Not of a plugin: `dlopen`
/// holds the loader's lock while it makes static objects, and the runtime's threads
/// need that lock. Handles may live longer; their operations answer `shutting_down`
/// then. A thread that used CAF's own actors must not call std::exit.
/// An actor system itself may not be static: CAF 0.17 destroys its logger twice
/// then and aborts. Do not call std::exit in an actor, whose thread the end waits
/// for; in a loader it waits until the drain's deadline.
class runtime {
public:
  /// Uses an existing actor system, which must outlive the runtime, with the
  /// options found in its configuration. Both must end before the process does
  /// (see above). Throws std::invalid_argument when the options make no sense,
  /// std::bad_alloc, std::system_error.
  explicit runtime(caf::actor_system& system);

  /// As above, with options at hand.
  runtime(caf::actor_system& system, const runtime_options& options);

  /// Makes an actor system of its own. `cfg` must outlive the runtime.
  explicit runtime(config& cfg);

  /// As above, with a configuration of its own, all defaults.
  runtime();

  /// Drains with the configured deadline, unless that has happened, and reports
  /// what was stuck (`runtime_options::report`).
  ~runtime();

  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  // -- caches ------------------------------------------------------------------

  /// Opens the region `name` for values of type V. Opening it again returns
  /// the same region. What the options leave open (timeouts, shards) is taken from
  /// the configuration; `{}` leaves everything open.
  /// Names: 1 to 100 letters, digits and any of `._:-`, but not "supervisor"
  /// and "load-coordinator".
  /// Errors: `invalid_argument` (name, options, or the region is open with
  /// other options), `type_mismatch` (it is open with another value type),
  /// `shutting_down`, `out_of_memory`.
  template <class V>
  expected<cache<V>> open(std::string name, const region_options& options) {
    return open_typed(std::move(name), &options, value_type_of<V>())
      .map([](opened_region&& x) {
        return cache<V>{std::move(x.where), std::move(x.directory)};
      });
  }

  /// As above, with the options it is open with, or else the defaults.
  template <class V>
  expected<cache<V>> open(std::string name) {
    return open_typed(std::move(name), nullptr, value_type_of<V>())
      .map([](opened_region&& x) {
        return cache<V>{std::move(x.where), std::move(x.directory)};
      });
  }

  /// As above, at the level of bytes.
  expected<std::shared_ptr<region>> open_region(std::string name,
                                                const region_options& options,
                                                value_type type = {});

  expected<std::shared_ptr<region>> open_region(std::string name);

  /// An open region, whatever its value type. Errors: `unknown_region`.
  [[nodiscard]] expected<std::shared_ptr<region>>
  find(const std::string& name) const;

  // -- actors ------------------------------------------------------------------
  // A handle keeps CAF's part of an actor alive: do not keep any for longer
  // than the runtime.

  /// The front of an open region. Errors: `unknown_region`, `shutting_down`.
  [[nodiscard]] expected<region_actor> actor(const std::string& name) const;

  [[nodiscard]] supervisor_actor supervisor() const;

  /// Starts an actor again that crashed too often and stays down, as if it had never
  /// crashed: a shard ("profiles/shard-3") or the front of a region ("profiles"). The
  /// shard has the entries that it had, but for what expired or was invalidated; with
  /// `failed_shards::absent` it is empty.
  /// Errors: `unknown_actor`, `invalid_argument` (it is not down), `shutting_down`,
  /// `system_error` (it cannot be started; it stays down).
  expected<void> restart(std::string_view name);

  // Consoles of other processes reach the supervisor through one of these, or
  // through several. No console is let in after the runtime has ended; one that is
  // inside then stays connected to the actor system, and speaks CAF's network protocol
  // with it, until one of both ends. No other peer speaks this protocol. See
  // docs/console.md for what a stranger can reach, and at what cost.
  // Errors of both: `invalid_argument` (see there; or the actor system has no
  // middleman, see `config::enable_remote`), `system_error`, `shutting_down`.

  /// Lets processes of the same user, and of root, in. Returns the socket's path.
  expected<std::string> publish(const console_socket& where = {});

  /// Lets those in who know the password. Returns the port.
  expected<std::uint16_t> publish(const console_port& where);

  [[nodiscard]] caf::actor_system& system() noexcept;

  // -- the whole ---------------------------------------------------------------

  /// The limit of what the entries of all regions take together, in bytes; 0:
  /// none.
  [[nodiscard]] std::size_t max_bytes() const noexcept;

  /// Another limit from now on: when this returns, what is too much has been
  /// evicted. Errors: those of `check_max_bytes`, `shutting_down`; nothing has
  /// changed then.
  expected<void> set_max_bytes(std::size_t x);

  /// Whether `set_max_bytes` would take this. Errors: `invalid_argument`, when it is
  /// less than 64 KiB, or than 1 KiB for each shard of the open regions.
  [[nodiscard]] expected<void> check_max_bytes(std::size_t x) const;

  [[nodiscard]] runtime_stat stat() const;

  /// The metrics of the runtime and of its regions, to which a program may add its own.
  /// The runtime's end when it does.
  [[nodiscard]] metric_registry& metrics() noexcept;

  /// How often actors crashed and were restarted, and how many stay down. Brief.
  [[nodiscard]] supervision_figures supervision() const;

  /// Whether a drain has begun, by whomever.
  [[nodiscard]] bool draining() const;

  using row_source = troupe::row_source;
  using ended_clients = troupe::ended_clients;
  using client_end = troupe::client_end;

  /// Shows these rows in the list of actors until the result is destroyed, which waits for a call of
  /// the source that is under way.
  [[nodiscard]] std::shared_ptr<void> show(row_source source);

  /// Has a drain begin with this, within its deadline and once: the regions still
  /// work meanwhile. The drain's report counts the clients. Until the result is
  /// destroyed, which waits for a call that is under way. Not called when a drain has
  /// begun before.
  [[nodiscard]] std::shared_ptr<void> end_clients_first(client_end end);

  /// Starts nothing new, waits for the loads in flight, then ends the actors.
  /// What has not ended at the deadline is named in the report, and its waiters
  /// are answered with `shutting_down`. Zero: the configured deadline. A second
  /// drain waits for the first one and reports the same.
  drain_report drain(std::chrono::milliseconds deadline
                     = std::chrono::milliseconds{0});

private:
  runtime(std::unique_ptr<config> own, config* used);

  expected<opened_region>
  open_typed(std::string name, const region_options* options, value_type type);

  // In this order: the core ends first, then the system, then what it read.
  std::unique_ptr<config> own_config_;
  std::unique_ptr<detail::own_system> own_system_;
  std::shared_ptr<detail::runtime_core> core_;
};

/// The present front of a region; empty when the runtime has drained.
[[nodiscard]] region_actor front_of(const region_directory& where);

inline auto cache_core::actor() const {
  return directory_ ? front_of(*directory_) : region_actor{};
}

} // namespace troupe
