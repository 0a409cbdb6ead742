#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Replaces the operating system for single threads: decides how they wait for each
/// other, and where the jobs run that they hand to a worker pool. A simulation
/// (actors/testing/simulation.hpp) installs one on each of its threads. Other threads
/// have none; for them `futex_wait` and `worker_pool::post` read one thread-local
/// pointer more. Only the thread on which it is installed calls a hook.
class wait_hook {
public:
  virtual ~wait_hook() = default;

  /// In place of `futex_wait`, with a timeout above zero. The wait ends when `word` holds
  /// another value: nothing else reports a wake.
  virtual bool
  wait(const std::atomic<std::uint32_t>& word, std::uint32_t value,
       std::optional<std::chrono::nanoseconds> timeout) noexcept = 0;

  /// In place of `worker_pool::post` of a pool that was not stopped. Errors:
  /// `overloaded`.
  virtual expected<void> post(std::function<void()> job) = 0;

  /// The hook of the calling thread, or nullptr.
  [[nodiscard]] static wait_hook* present() noexcept;
};

/// Installs a hook on the calling thread during its lifetime.
class wait_hook_scope {
public:
  explicit wait_hook_scope(wait_hook& x) noexcept;
  ~wait_hook_scope();

  wait_hook_scope(const wait_hook_scope&) = delete;
  wait_hook_scope& operator=(const wait_hook_scope&) = delete;

private:
  wait_hook* const outer_;
};

} // namespace troupe
