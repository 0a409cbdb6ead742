#pragma once

// The runtime: opens caches, keeps the actors that own them, and ends them in order.
//
//   supervisor                         monitors all others, answers the console
//   ├─ load-coordinator                decides which caller loads and which waits
//   ├─ topics                          publishing and subscribing
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
#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/runtime_hooks.hpp>
#include <troupe/actors/services/service.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/topics.hpp>
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

/// Thread-safe. An application has one; several in one actor system are possible.
/// `await_all_actors_done` does not wait for a runtime's actors.
///
/// Threading: any thread may call blocking operations of its caches, except the threads
/// of CAF's scheduler; an actor should send messages instead.
///
/// Static storage: a runtime with its own actor system may be a static object of a
/// program; it ends when the process does. It must not be a static object of a plugin:
/// `dlopen` holds the loader's lock while it makes static objects, and the runtime's
/// threads need that lock. Handles may live longer; their operations then return
/// `shutting_down`. A thread that used CAF's own actors must not call std::exit. An
/// actor system itself must not be static: CAF 0.17 then destroys its logger twice and
/// aborts. Do not call std::exit in an actor: the end of the runtime waits for the
/// actor's thread. In a loader, std::exit waits until the drain's deadline.
class runtime {
public:
  /// Uses an existing actor system, which must outlive the runtime, with the options in
  /// its configuration. Both must end before the process does (see above). Throws
  /// std::invalid_argument when an option is invalid, std::bad_alloc,
  /// std::system_error.
  explicit runtime(caf::actor_system& system);

  /// The same with given options.
  runtime(caf::actor_system& system, const runtime_options& options);

  /// Makes its own actor system. `cfg` must outlive the runtime.
  explicit runtime(config& cfg);

  /// The same with its own configuration, all defaults.
  runtime();

  /// Drains with the configured deadline, unless `drain` was called, and reports what
  /// was stuck (`runtime_options::report`).
  ~runtime();

  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  // -- caches ------------------------------------------------------------------

  /// Opens the region `name` for values of type V. Opening it again returns the same
  /// region. Options that are not set (timeouts, shards) come from the configuration;
  /// `{}` sets none. Names: 1 to 100 letters, digits and any of `._:-`, but not
  /// "supervisor" and not the name of a service ("load-coordinator", "topics"). Errors:
  /// `invalid_argument` (name, options, or the region is open with other options),
  /// `type_mismatch` (it is open with another value type), `shutting_down`,
  /// `out_of_memory`.
  template <class V>
  expected<cache<V>> open(std::string name, const region_options& options) {
    return open_typed(std::move(name), &options, value_type_of<V>())
      .map([](opened_region&& x) {
        return cache<V>{std::move(x.where), std::move(x.directory)};
      });
  }

  /// The same with the options of the open region, or the defaults when it is not open.
  template <class V>
  expected<cache<V>> open(std::string name) {
    return open_typed(std::move(name), nullptr, value_type_of<V>())
      .map([](opened_region&& x) {
        return cache<V>{std::move(x.where), std::move(x.directory)};
      });
  }

  /// The same at the level of bytes.
  expected<std::shared_ptr<region>> open_region(std::string name,
                                                const region_options& options,
                                                value_type type = {});

  expected<std::shared_ptr<region>> open_region(std::string name);

  /// Returns an open region of any value type. Errors: `unknown_region`.
  [[nodiscard]] expected<std::shared_ptr<region>>
  find(const std::string& name) const;

  /// Ends a region, with its entries and its actors. Handles that are still held stay
  /// valid: their operations answer `shutting_down`, as after a drain, and the region's
  /// memory comes back with the last of them. Loads in flight are answered when their
  /// loaders end; what they bring is not stored. Then the name can be opened again, with
  /// other options and another value type. Waits for the region's turns that are under
  /// way, so not for an actor. Errors: `unknown_region` (also when it was closed before),
  /// `shutting_down`.
  expected<void> close(const std::string& name);

  // -- services ----------------------------------------------------------------

  /// Publishing and subscribing.
  [[nodiscard]] troupe::topics topics() const;

  /// Starts a service of the application: its actor is a child of the supervisor, and
  /// the runtime ticks, shows and drains it like Troupe's own services. The runtime
  /// keeps it until its own end. It is drained before the services that were added
  /// before it. Errors: `invalid_argument` (it is null; its name is not allowed, or is
  /// taken), `shutting_down`, `system_error` (its actor cannot be started).
  expected<void> add(std::shared_ptr<service> x);

  // -- actors ------------------------------------------------------------------
  // A handle keeps CAF's part of an actor alive: do not keep one longer than the
  // runtime.

  /// The front of an open region. Errors: `unknown_region`, `shutting_down`.
  [[nodiscard]] expected<region_actor> actor(const std::string& name) const;

  [[nodiscard]] supervisor_actor supervisor() const;

  /// Starts an actor again that crashed too often and stays down, and resets its count
  /// of crashes: a shard ("profiles/shard-3") or the front of a region ("profiles").
  /// The shard keeps its entries, except those that expired or were invalidated
  /// meanwhile; with `failed_shards::absent` it is empty. Errors: `unknown_actor`,
  /// `invalid_argument` (it is not down), `shutting_down`, `system_error` (it cannot be
  /// started; it stays down).
  expected<void> restart(std::string_view name);

  // Consoles of other processes reach the supervisor through one or several of these.
  // After the runtime has ended, no console is let in. A console that is connected then
  // stays connected to the actor system, and speaks CAF's network protocol with it,
  // until one of the two ends. No other peer speaks this protocol. docs/console.md
  // describes what a stranger can reach, and at what cost. Errors of both:
  // `invalid_argument` (see there; or the actor system has no middleman, see
  // `config::enable_remote`), `system_error`, `shutting_down`.

  /// Lets in processes of the same user and of root. Returns the socket's path.
  expected<std::string> publish(const console_socket& where = {});

  /// Lets in peers that know the password. Returns the port.
  expected<std::uint16_t> publish(const console_port& where);

  [[nodiscard]] caf::actor_system& system() noexcept;

  // -- the whole ---------------------------------------------------------------

  /// The limit of all regions' entries together, in bytes; 0: no limit.
  [[nodiscard]] std::size_t max_bytes() const noexcept;

  /// Sets the limit. When this returns, the excess has been evicted. Errors: those of
  /// `check_max_bytes`, `shutting_down`; the limit is unchanged then.
  expected<void> set_max_bytes(std::size_t x);

  /// Whether `set_max_bytes` accepts this limit. Errors: `invalid_argument` when it is
  /// less than 64 KiB, or less than 1 KiB for each shard of the open regions.
  [[nodiscard]] expected<void> check_max_bytes(std::size_t x) const;

  [[nodiscard]] runtime_stat stat() const;

  /// The metrics of the runtime and of its regions, to which a program may add its own.
  /// The runtime's end when it does.
  [[nodiscard]] metric_registry& metrics() noexcept;

  /// How often actors crashed and were restarted, and how many stay down. Brief.
  [[nodiscard]] supervision_figures supervision() const;

  /// Whether a drain has begun, by any caller.
  [[nodiscard]] bool draining() const;

  using ended_clients = troupe::ended_clients;
  using client_end = troupe::client_end;

  /// A drain begins with a call of `end`, once, within the drain's deadline; the
  /// regions still work meanwhile. The drain's report counts the clients. Holds until
  /// the result is destroyed; its destruction waits for a running call. `end` is not
  /// called by a drain that has already begun.
  [[nodiscard]] std::shared_ptr<void> end_clients_first(client_end end);

  /// Starts no new work, waits for the loads in flight, then ends the actors. The
  /// report names what has not ended at the deadline; its waiters are answered with
  /// `shutting_down`. Zero: the configured deadline. A second drain waits for the first
  /// one and returns the same report.
  drain_report drain(std::chrono::milliseconds deadline
                     = std::chrono::milliseconds{0});

private:
  runtime(std::unique_ptr<config> own, config* used);

  expected<opened_region>
  open_typed(std::string name, const region_options* options, value_type type);

  // In this order: the core ends first, then the system, then the configuration.
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
