#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/messages/types/eviction.hpp>

#include "apps/server/state/defaults.hpp"
#include "apps/settings/output_limits.hpp"

namespace troupe::server {

/// What the limits of a class mean for its subscribers. Without a hard limit
/// there is still one of 1 TiB.
[[nodiscard]] subscriber_limits
subscriber_limits_of(const settings::output_limit& x, std::size_t messages);

/// What CONFIG SET may change while the server runs. Thread-safe.
struct live_settings {
  std::atomic<std::size_t> max_connections{defaults::max_connections};
  /// How long a client may be silent; zero: for ever.
  std::atomic<std::chrono::seconds> idle_timeout{std::chrono::seconds{0}};
  /// Bytes that all clients together may keep (`server_state::client_memory`); 0: any.
  std::atomic<std::size_t> max_client_memory{defaults::max_client_memory};
  /// Which entries go when the memory is full.
  std::atomic<eviction_policy> eviction{eviction_policy::s3_fifo};
  /// What may wait for a subscriber; that of `output` as it counts.
  live_subscriber_limits pubsub;

  [[nodiscard]] settings::output_limits output() const {
    std::lock_guard lock{output_mutex_};
    return output_;
  }

  /// `messages`: how many may wait for a subscriber.
  void output(const settings::output_limits& x, std::size_t messages) {
    std::lock_guard lock{output_mutex_};
    output_ = x;
    pubsub.set(subscriber_limits_of(x[settings::pubsub_class], messages));
  }

private:
  mutable std::mutex output_mutex_;
  // Redis's defaults.
  settings::output_limits output_{
    {{0, 0, 0},
     {256UL * 1024 * 1024, 64UL * 1024 * 1024, 60},
     {32UL * 1024 * 1024, 8UL * 1024 * 1024, 60}}};
};

} // namespace troupe::server
