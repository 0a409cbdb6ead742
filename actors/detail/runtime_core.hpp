#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <troupe/actors/detail/client_ends.hpp>
#include <troupe/actors/detail/console_entry.hpp>
#include <troupe/actors/detail/open_regions.hpp>
#include <troupe/actors/detail/root_actor.hpp>
#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/runtime_hooks.hpp>
#include <troupe/actors/runtime_options.hpp>
#include <troupe/actors/services/service_directory.hpp>
#include <troupe/actors/shell/detail/unexpected.hpp>
#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/actors/supervision/load_meter.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/actors/topics.hpp>
#include <troupe/backends/core/clockwork.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe::detail {

/// What a runtime is: its parts, and their end. Shared with functions that may be
/// called while it ends. Thread-safe.
class runtime_core final : public supervised,
                           public std::enable_shared_from_this<runtime_core> {
public:
  runtime_core(caf::actor_system& system, const runtime_options& options);

  /// The part of construction that needs `shared_from_this`.
  void start();

  // -- its parts ---------------------------------------------------------------

  [[nodiscard]] caf::actor_system& system() noexcept {
    return system_;
  }

  [[nodiscard]] metric_registry& metrics() noexcept override {
    return metrics_;
  }

  [[nodiscard]] open_regions& regions() noexcept {
    return regions_;
  }

  [[nodiscard]] console_entry& consoles() noexcept {
    return consoles_;
  }

  [[nodiscard]] client_ends& clients() noexcept {
    return clients_;
  }

  /// See `runtime::topics`.
  [[nodiscard]] troupe::topics topics() const {
    return {topic_hub_, topic_service_};
  }

  /// See `runtime::add`.
  expected<void> add(std::shared_ptr<service> x);

  [[nodiscard]] supervisor_actor supervisor_handle() const {
    return root_->get();
  }

  /// See `runtime::set_max_bytes`.
  expected<void> set_max_bytes(std::size_t x);

  // -- supervision -------------------------------------------------------------

  [[nodiscard]] supervisor& tree() noexcept override {
    return tree_;
  }

  [[nodiscard]] child_view root() const override {
    return root_->view();
  }

  [[nodiscard]] runtime_stat stat(bool with_regions) const override;

  [[nodiscard]] expected<region_info>
  info(const std::string& name) const override {
    return regions_.info(name);
  }

  [[nodiscard]] expected<region_actor>
  front(const std::string& name) const override {
    return regions_.front(name);
  }

  [[nodiscard]] expected<found_actor>
  find_actor(const std::string& name) const override;

  void add_rows(const std::string& prefix, actor_list& to) const override {
    services_.add_rows(prefix, to);
  }

  /// See `runtime::restart`.
  expected<void> restart(std::string_view name);

  [[nodiscard]] supervision_figures supervision() const;

  // -- the end -----------------------------------------------------------------

  [[nodiscard]] bool draining() const noexcept {
    return draining_;
  }

  drain_report drain(std::chrono::milliseconds deadline);

  void drain_then(std::chrono::milliseconds deadline,
                  std::function<void(drain_report)> done) override;

  /// Drains, reports what was stuck unless an earlier drain has told its
  /// caller, and lets go of everything that belongs to the actor system.
  void close();

private:
  using time_point = std::chrono::steady_clock::time_point;

  void show_metrics();
  void tick();
  drain_report drain_once(time_point begin, time_point until);
  void report(const std::string& line) const;

  caf::actor_system& system_;
  const runtime_options options_;
  const time_point started_ = std::chrono::steady_clock::now();
  metric_registry metrics_;
  std::shared_ptr<lane_scheduler> executor_;
  std::shared_ptr<load_coordinator> loads_;
  std::shared_ptr<root_actor> root_;
  supervisor tree_;
  service_directory services_;
  open_regions regions_;
  const std::shared_ptr<topic_hub> topic_hub_;
  const std::shared_ptr<typed_service<topics_actor>> topic_service_;
  console_entry consoles_;
  load_meter meter_;
  const unexpected_reports unexpected_;
  client_ends clients_;

  std::optional<clockwork> clockwork_;
  unsigned ticks_ = 0;
  std::jthread memory_; ///< Has it ready before the shards need it.

  std::atomic<bool> draining_ = false;

  /// One drain at a time.
  std::mutex drain_mutex_;
  std::optional<drain_report> drained_;

  /// Guards what follows.
  std::mutex drainers_mutex_;
  std::vector<std::thread> drainers_;
  bool closing_ = false;

  std::vector<metric_registration> shown_; ///< Last: they read what is above.
};

} // namespace troupe::detail
