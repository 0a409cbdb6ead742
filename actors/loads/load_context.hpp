#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/load_tags.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// What a loader can read and choose for its run. Used by the loader's thread only;
/// lives as long as the run.
class load_context {
public:
  /// `told` receives each tag as soon as the loader calls `tag`; may be nullptr.
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

  /// The time at which the runtime gives up on this run.
  [[nodiscard]] time_point deadline() const noexcept {
    return deadline_;
  }

  /// Is signalled when the result is no longer wanted: the deadline passed, the load
  /// was cancelled, or the runtime drains. A loader that checks it can end early.
  [[nodiscard]] const std::stop_token& stop() const noexcept {
    return stop_;
  }

  /// Sets the TTL of the loaded value, in place of the caller's or the region's.
  void ttl(ttl_duration x) noexcept {
    ttl_ = x;
  }

  [[nodiscard]] std::optional<ttl_duration> ttl() const noexcept {
    return ttl_;
  }

  /// Sets the idle time of the loaded value in the same way.
  void idle(ttl_duration x) noexcept {
    idle_ = x;
  }

  [[nodiscard]] std::optional<ttl_duration> idle() const noexcept {
    return idle_;
  }

  /// Tags the loaded value, in addition to the caller's tags. If the tag was
  /// invalidated since the load began, the value is not stored, and callers that ask
  /// after the invalidation do not get it. Call it before reading the data that the
  /// value is made of: then those callers need not wait for the end of this load.
  /// Throws std::bad_alloc.
  void tag(bytes_view name) {
    tags_.add(name);
    if (told_ != nullptr)
      told_->add(name);
  }

  [[nodiscard]] const troupe::tags& tags() const noexcept {
    return tags_;
  }

  /// The value that the key had until it became stale, in its encoded form; nothing
  /// without `region_options::fail_safe` or `stale_while_revalidate`. For a conditional
  /// request to the source. Lives as long as the run.
  [[nodiscard]] std::optional<bytes_view> stale_value() const noexcept {
    if (stale_ == nullptr)
      return std::nullopt;
    return bytes_view{stale_->value};
  }

  /// Says that the stale value is still right: it is stored again with a new TTL, and what
  /// the loader returns is not used. No effect when there is no stale value.
  void unchanged() noexcept {
    unchanged_ = stale_ != nullptr;
  }

  [[nodiscard]] bool is_unchanged() const noexcept {
    return unchanged_;
  }

  /// Whether the result is stored; false: only the callers of this load get it.
  void store(bool x) noexcept {
    store_ = x;
  }

  [[nodiscard]] bool stores() const noexcept {
    return store_;
  }

  /// For the coordinator, before the run.
  void offer_stale(std::shared_ptr<const stale_entry> x) noexcept {
    stale_ = std::move(x);
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
  std::shared_ptr<const stale_entry> stale_;
  bool unchanged_ = false;
  bool store_ = true;
};

} // namespace troupe
