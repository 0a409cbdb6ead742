#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/failed_shards.hpp>
#include <troupe/messages/types/report_function.hpp>

namespace troupe {

/// The options of a runtime, by their names in the group "troupe":
/// `--troupe.shards=32`, or `shards=32` below `[troupe]`.
struct runtime_options {
  static constexpr char group[] = "troupe";

  /// shards: Default number of shards of a region; a power of two up to 256, 0: 16 per
  /// core.
  std::size_t shards = 0;

  /// max-bytes: Limit of all regions' entries together, in bytes; 0: no limit,
  /// otherwise at least 64 KiB, and 1 KiB for each shard.
  std::size_t max_bytes = 0;

  /// loader-threads: Threads for blocking loaders and asynchronous updates.
  std::size_t loader_threads = defaults::loader_threads;

  /// loader-queue: Jobs that may wait for a loader thread.
  std::size_t loader_queue = defaults::loader_queue;

  /// op-timeout: How long an operation waits for a shard that restarts.
  std::chrono::milliseconds op_timeout = defaults::op_timeout;

  /// load-timeout: How long a loader may run.
  std::chrono::milliseconds load_timeout = defaults::load_timeout;

  /// queue-timeout: How long a load waits for a loader thread.
  std::chrono::milliseconds queue_timeout = defaults::queue_timeout;

  /// drain-deadline: How long the end of the runtime waits for loads.
  std::chrono::milliseconds drain_deadline = defaults::drain_deadline;

  /// restart-limit: Crashes within `restart_window` that an actor survives.
  std::uint32_t restart_limit = defaults::restart_limit;

  /// restart-window: The period in which `restart_limit` counts crashes.
  std::chrono::milliseconds restart_window = defaults::restart_window;

  /// failed-shards: What readers get from a shard that crashed too often: "serve", the
  /// entries that it holds, or "absent", nothing.
  troupe::failed_shards failed_shards = troupe::failed_shards::serve;

  /// Not an option of the command line. Called with lines for the operator, for example
  /// that an actor crashed, was restarted or given up. Empty: the library reports
  /// nothing. The runtime's end waits for a running call.
  report_function report = {};

  /// Not an option of the command line: tests pass a clock that they control.
  const clock* time = &clock::steady();
};

/// Errors: `invalid_argument`, with the option that is wrong.
[[nodiscard]] expected<void> check(const runtime_options& x);

} // namespace troupe
