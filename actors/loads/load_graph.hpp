#pragma once

// Loads that load: which load's run waits for which other loads.
//
//   run of a ──waits for──► b, c      run of b ──waits for──► d
//
// A thread that runs a load, or several loads with one loader (detail/load_bulk.hpp), waits for
// one load, or for several at once. Before it waits for a load, or begins one on the same
// thread, the graph gets an edge; when the edge would close a circle, the call ends with
// `load_cycle` instead. The graph has one mutex: only loaders that load take it.

#include <memory>
#include <span>
#include <vector>

#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// A load, and the run that a thread gives it.
struct running_item {
  /// A loader that outlives the runtime must not keep a region.
  std::weak_ptr<load_in_flight> which;
  std::shared_ptr<load_run> run;
};

/// While it lives, the calling thread runs a load, or several. Scopes nest.
class running_load {
public:
  running_load(std::weak_ptr<load_in_flight> which,
               std::shared_ptr<load_run> run) noexcept;

  /// The loads of one loader. `all` must outlive this object.
  explicit running_load(std::span<const running_item> all) noexcept;

  ~running_load();

  running_load(const running_load&) = delete;
  running_load& operator=(const running_load&) = delete;

  /// The innermost load that the calling thread runs, or nullptr.
  [[nodiscard]] static running_load* present() noexcept;

private:
  friend class load_edge;
  friend void run_with_stack(function_ref<void()> f);

  const running_item one_;
  const std::span<const running_item> all_;
  running_load* const outer_;
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

/// While it lives, the loads that the calling thread runs, if any, wait for others.
class load_edge {
public:
  load_edge() noexcept = default;
  ~load_edge();

  load_edge(const load_edge&) = delete;
  load_edge& operator=(const load_edge&) = delete;

  using load_pointer = std::shared_ptr<load_in_flight>;

  /// Errors: `load_cycle`, with the keys of the circle; there is no edge then.
  expected<void> add(const load_pointer& to);

  /// The same for several loads, with a result for each. Takes the time of one walk
  /// through the loads that these wait for, unless there is a circle.
  std::vector<expected<void>> add_all(std::span<const load_pointer> to);

private:
  class walk;

  const running_load* from_ = nullptr;
  std::vector<load_pointer> to_;
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
