#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <caf/actor_system.hpp>

#include <troupe/actors/shell/actor_slot.hpp>
#include <troupe/backends/core/clockwork.hpp>
#include <troupe/actors/config.hpp>
#include <troupe/actors/gate/detail/console_gate.hpp>
#include <troupe/actors/shell/detail/unexpected.hpp>
#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/backends/memory/common_limit.hpp>
#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/supervision/load_meter.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/actors/regions/value_type.hpp>

namespace troupe {

/// What a runtime is. Shared with functions that may be called while it ends.
/// Thread-safe.
class runtime::core final : public supervised,
                            public std::enable_shared_from_this<core> {
public:
  core(caf::actor_system& system, const runtime_options& options);

  /// The part of construction that needs `shared_from_this`.
  void start();

  // -- regions -----------------------------------------------------------------

  /// `wanted` may be nullptr: whatever it has, or the defaults.
  expected<opened_region> open(std::string name, const region_options* wanted,
                               value_type type);

  [[nodiscard]] expected<opened_region> find(const std::string& name) const;

  // -- the end -----------------------------------------------------------------

  drain_report drain(std::chrono::milliseconds deadline);

  /// Drains, reports what was stuck unless an earlier drain has told its
  /// caller, and lets go of everything that belongs to the actor system.
  void close();

  // -- the supervisor and what it needs ----------------------------------------

  [[nodiscard]] supervisor_actor root_actor() const {
    return supervisor_.get();
  }

  expected<std::string> publish(const console_socket& where);
  expected<std::uint16_t> publish(const console_port& where);

  [[nodiscard]] troupe::supervisor& tree() noexcept override {
    return tree_;
  }

  [[nodiscard]] child_view root() const override;

  [[nodiscard]] runtime_stat stat(bool with_regions) const override;

  [[nodiscard]] expected<region_info>
  info(const std::string& name) const override;

  expected<void> restart(std::string_view name);

  [[nodiscard]] supervision_figures supervision() const;

  [[nodiscard]] expected<region_actor>
  front(const std::string& name) const override;

  [[nodiscard]] expected<found_actor>
  find_actor(const std::string& name) const override;

  void add_shown(const std::string& prefix, actor_list& to) const override;

  [[nodiscard]] std::shared_ptr<void> show(row_source source);

  [[nodiscard]] std::shared_ptr<void> end_clients_first(client_end end);

  [[nodiscard]] bool draining() const;

  [[nodiscard]] load_coordinator_actor coordinator() const override {
    return coordinator_->get();
  }

  void drain_then(std::chrono::milliseconds deadline,
                  std::function<void(drain_report)> done) override;

  [[nodiscard]] std::size_t max_bytes() const noexcept {
    return memory_limit_.max_bytes();
  }

  [[nodiscard]] expected<void> check_max_bytes(std::size_t x) const;
  expected<void> set_max_bytes(std::size_t x);

  [[nodiscard]] caf::actor_system& system() noexcept {
    return system_;
  }

private:
  /// The sources of `show`, which may outlive the runtime's other parts.
  struct shown_rows {
    std::mutex mutex;
    std::uint64_t next = 0;
    std::map<std::uint64_t, row_source> sources;
  };

  /// What `end_clients_first` was given, which may outlive the runtime's other parts,
  /// and what a drain learned from it.
  struct client_ends {
    std::mutex mutex; ///< Held while clients end.
    std::uint64_t next = 0;
    std::map<std::uint64_t, client_end> ends;
    bool done = false;
    ended_clients all;
  };

  struct entry {
    std::shared_ptr<region> where;
    std::shared_ptr<region_directory> directory;
    value_type type;

    [[nodiscard]] opened_region handles() const {
      return {where, directory};
    }
  };

  [[nodiscard]] region_options complete(region_options x) const;
  expected<opened_region> reopen(const entry& present,
                                 const region_options* wanted,
                                 const value_type& type) const;
  expected<entry> start_region(const std::string& name,
                               const region_options& options,
                               value_type type);
  [[nodiscard]] std::vector<std::shared_ptr<region>> all_regions() const;

  void tick();
  [[nodiscard]] std::size_t shards_open() const;
  [[nodiscard]] expected<void> check_shards(const region_options& x) const;

  [[nodiscard]] watch_function watch() const;
  void start_supervisor();
  void supervisor_ended();
  void end_supervisor();
  [[nodiscard]] expected<detail::console_gate*> gate();
  ended_clients end_clients(std::chrono::steady_clock::time_point until);
  drain_report drain_once(std::chrono::steady_clock::time_point begin,
                          std::chrono::steady_clock::time_point until);
  [[nodiscard]] region_info info_of(const std::string& name,
                                    const entry& x) const;
  void report(const std::string& line) const;

  caf::actor_system& system_;
  const runtime_options options_;
  const std::chrono::steady_clock::time_point started_
    = std::chrono::steady_clock::now();
  common_limit memory_limit_; ///< Of all regions that are in memory.
  unsigned ticks_ = 0;
  std::shared_ptr<lane_scheduler> executor_;
  std::shared_ptr<load_coordinator> loads_;
  std::shared_ptr<actor_slot<load_coordinator_actor>> coordinator_
    = std::make_shared<actor_slot<load_coordinator_actor>>();
  actor_slot<supervisor_actor> supervisor_;
  troupe::supervisor tree_;
  load_meter meter_;
  const detail::unexpected_reports unexpected_;
  std::shared_ptr<shown_rows> shown_ = std::make_shared<shown_rows>();
  std::shared_ptr<client_ends> clients_ = std::make_shared<client_ends>();

  std::optional<clockwork> clockwork_;
  std::jthread memory_; ///< Has it ready before the shards need it.

  /// One region is opened, or the runtime drained, at a time.
  std::mutex turn_;
  std::optional<drain_report> drained_;

  /// Guards the gate.
  std::mutex gate_mutex_;
  std::unique_ptr<detail::console_gate> gate_; ///< None until it is asked for.
  bool gate_closed_ = false;

  /// Guards what follows.
  mutable std::mutex mutex_;
  std::map<std::string, entry> regions_;
  std::uint64_t supervisor_restarts_ = 0;
  bool draining_ = false;
  bool opens_nothing_ = false; ///< A drain has no clients to wait for any more.
  bool closing_ = false;
  std::vector<std::thread> drainers_;
};

} // namespace troupe
