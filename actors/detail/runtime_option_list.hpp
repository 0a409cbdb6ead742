#pragma once

#include <troupe/actors/runtime_options.hpp>

namespace troupe::detail {

/// Calls `f(name, member, help)` for each option of a runtime, in the order in which
/// they are declared and read.
template <class F>
void for_each_runtime_option(F f) {
  using x = runtime_options;
  f("shards", &x::shards,
    "shards per region, a power of two up to 256 (default: 0, i.e. 16 per "
    "core)");
  f("max-bytes", &x::max_bytes,
    "limit of what all entries take together, in bytes (default: 0, i.e. "
    "none)");
  f("loader-threads", &x::loader_threads,
    "threads for blocking loaders (default: 64)");
  f("loader-queue", &x::loader_queue,
    "loads that wait for such a thread (default: 16384)");
  f("op-timeout", &x::op_timeout,
    "how long an operation waits for a shard that restarts (default: 1s)");
  f("load-timeout", &x::load_timeout,
    "how long a loader may run (default: 30s)");
  f("drain-deadline", &x::drain_deadline,
    "how long the end waits for loads in flight (default: 10s)");
  f("restart-limit", &x::restart_limit,
    "crashes within the restart window that an actor survives (default: 5)");
  f("restart-window", &x::restart_window, "see restart-limit (default: 10s)");
  f("failed-shards", &x::failed_shards,
    "what readers find of a shard that crashed more often: serve (what it "
    "holds) or absent (nothing) (default: serve)");
}

} // namespace troupe::detail
