#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <troupe/backends/load_tags.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// What a loader may know and decide about its run. Used by the loader's thread
/// only; lives as long as the run.
class load_context {
public:
  /// `told` hears of the tags as the loader says them; nullptr: nobody does.
  load_context(std::string key, std::uint32_t attempt, time_point deadline,
               std::stop_token stop, std::shared_ptr<load_tags> told = nullptr)
    : key_(std::move(key)),
      attempt_(attempt),
      deadline_(deadline),
      stop_(std::move(stop)),
      told_(std::move(told)) {
    // nop
  }

  /// The key that is being loaded.
  [[nodiscard]] const std::string& key() const noexcept {
    return key_;
  }

  /// 1 for the first loader of this load, 2 for the one that replaced it, ...
  [[nodiscard]] std::uint32_t attempt() const noexcept {
    return attempt_;
  }

  /// When the runtime gives up on this run.
  [[nodiscard]] time_point deadline() const noexcept {
    return deadline_;
  }

  /// Becomes signalled when nobody wants the result any more: deadline passed,
  /// load cancelled, runtime draining. A loader that looks at it can end early.
  [[nodiscard]] const std::stop_token& stop() const noexcept {
    return stop_;
  }

  /// Chooses the TTL of the loaded value instead of the caller's or region's.
  void ttl(ttl_duration x) noexcept {
    ttl_ = x;
  }

  [[nodiscard]] std::optional<ttl_duration> ttl() const noexcept {
    return ttl_;
  }

  /// Chooses the idle time of the loaded value in the same way.
  void idle(ttl_duration x) noexcept {
    idle_ = x;
  }

  [[nodiscard]] std::optional<ttl_duration> idle() const noexcept {
    return idle_;
  }

  /// Tags the loaded value, besides what the caller says. An invalidation of the
  /// tag since the load began keeps the value from being stored, and from those who
  /// ask after the invalidation: say it before reading what the value is made of,
  /// then they need not wait for this load to learn that. Throws std::bad_alloc.
  void tag(bytes_view name) {
    tags_.add(name);
    if (told_ != nullptr)
      told_->add(name);
  }

  [[nodiscard]] const troupe::tags& tags() const noexcept {
    return tags_;
  }

private:
  std::string key_;
  std::uint32_t attempt_;
  time_point deadline_;
  std::stop_token stop_;
  std::shared_ptr<load_tags> told_;
  std::optional<ttl_duration> ttl_;
  std::optional<ttl_duration> idle_;
  troupe::tags tags_;
};

} // namespace troupe
