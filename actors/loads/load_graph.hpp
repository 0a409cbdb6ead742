#pragma once

// Loads that load: which load's run waits for which other load.
//
//   run of a ──waits for──► b ──its run──waits for──► c
//
// A run has one thread, so it waits for at most one load. Before a thread that runs a
// load waits for another one, or begins it on the same thread, the graph gets an edge;
// when the edge would close a circle, the call ends with `load_cycle` instead. The graph
// has one mutex: only loaders that load take it.

#include <memory>

#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// While it lives, the calling thread runs a load. Scopes nest.
class running_load {
public:
  running_load(std::weak_ptr<load_in_flight> which,
               std::shared_ptr<load_run> run) noexcept;
  ~running_load();

  running_load(const running_load&) = delete;
  running_load& operator=(const running_load&) = delete;

  /// The innermost load that the calling thread runs, or nullptr.
  [[nodiscard]] static running_load* present() noexcept;

private:
  friend class load_edge;
  friend void run_with_stack(function_ref<void()> f);

  /// A loader that outlives the runtime must not keep a region.
  std::weak_ptr<load_in_flight> which_;
  std::shared_ptr<load_run> run_;
  running_load* outer_;
};

/// While it lives, the calling thread runs the function of an update. Scopes nest.
class running_update {
public:
  /// `where` and `key` must outlive it.
  running_update(const load_target& where, bytes_view key) noexcept;
  ~running_update();

  running_update(const running_update&) = delete;
  running_update& operator=(const running_update&) = delete;

  /// Errors: `load_cycle`, when the calling thread runs an update of this key.
  [[nodiscard]] static expected<void> check(const load_target& where,
                                            bytes_view key);

private:
  friend void run_with_stack(function_ref<void()> f);

  const load_target& where_;
  bytes_view key_;
  running_update* outer_;
};

/// While it lives, the load that the calling thread runs, if any, waits for another one.
class load_edge {
public:
  load_edge() noexcept = default;
  ~load_edge();

  load_edge(const load_edge&) = delete;
  load_edge& operator=(const load_edge&) = delete;

  /// Errors: `load_cycle`, with the keys of the circle; there is no edge then. Must be
  /// called once.
  expected<void> add(const std::shared_ptr<load_in_flight>& to);

private:
  std::shared_ptr<load_run> from_;
};

/// Bytes of stack that a loader finds at least, when it is called from another loader.
inline constexpr std::size_t least_loader_stack = 256UL * 1024;

/// Threads that replace threads without stack, at most, at one time.
inline constexpr std::size_t most_replacement_threads = 1024;

/// Calls `f`, which must not throw, on this thread, or, when the thread has less stack
/// left than a loader needs, on a new thread, and waits for it. Throws
/// std::system_error when no thread can be started.
void run_with_stack(function_ref<void()> f);

} // namespace troupe
