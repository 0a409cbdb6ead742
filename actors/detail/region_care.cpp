// The housekeeping of open regions, which needs no caller, and how regions end.
//
// The clockwork checks a region every tick while the region has work. After 8 checks
// without work in a row it checks the region less often, down to every
// `defaults::longest_rest` ticks, so that unused regions take nearly no processor time.

#include <troupe/actors/detail/open_regions.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include <troupe/actors/regions/shard_actor.hpp>
#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/shell/detail/logger_scope.hpp>

namespace troupe::detail {

namespace {

/// How long to wait for the actors of a closed region, which have no work left, to end.
constexpr std::chrono::seconds longest_end_of_actors{1};

/// Checks in a row without work before the first tick is skipped.
constexpr unsigned patience = 8;

/// The deleter of a handle that closes its region: notes that the last copy is gone.
struct last_handle {
  std::shared_ptr<region> keep;
  std::shared_ptr<std::atomic<bool>> unused;

  void operator()(region*) noexcept {
    unused->store(true, std::memory_order_release);
    keep.reset();
  }
};

} // namespace

// -- handles -----------------------------------------------------------------------

/// Called under the mutex, except for a region that no other thread can see yet.
opened_region open_regions::handles(const entry& x) const {
  const auto& where = x.care->where;
  if (!where->options().close_when_unused)
    return {where, x.care->directory};
  auto handle = x.handle.lock();
  if (handle == nullptr) {
    handle = std::shared_ptr<region>{where.get(), last_handle{where, unused_}};
    x.handle = handle;
  }
  return {std::move(handle), x.care->directory};
}

// -- time --------------------------------------------------------------------------

/// Starts the actors of parts that were made since the last call.
expected<void> open_regions::adopt_parts(tended& which) const {
  std::lock_guard guard{adopting_};
  auto& below = which.where->provider();
  const auto made = below.parts_made();
  if (which.closed || made == which.parts_seen)
    return {};
  logger_scope spawning;
  for (std::size_t i = 0; i < below.part_count(); ++i) {
    if (below.part(i) == nullptr || which.directory->shard(i))
      continue;
    auto added = ground_.tree.add(
      supervised_shard(ground_.system, which.where, i, which.directory,
                       ground_.watch, ground_.options.failed_shards));
    if (!added)
      return added;
  }
  which.parts_seen = made;
  return {};
}

void open_regions::tick() {
  close_unused();
  std::vector<std::shared_ptr<tended>> now;
  {
    std::lock_guard guard{mutex_};
    now.swap(due_[++ticks_ % due_.size()]);
  }
  for (auto& x : now) {
    const auto busy = x->where->tick();
    // Errors (the runtime drains, or there is no memory) are ignored: the next tick
    // tries again.
    static_cast<void>(adopt_parts(*x));
    const auto rest = rest_after(*x, busy);
    std::lock_guard guard{mutex_};
    // Only this list refers to a closed region, so it is dropped here.
    if (x.use_count() > 1)
      due_[(ticks_ + rest) % due_.size()].push_back(std::move(x));
  }
}

/// Ticks until the next check of a region.
unsigned open_regions::rest_after(tended& which, bool busy) noexcept {
  if (busy)
    which.quiet_ticks = 0;
  else
    ++which.quiet_ticks;
  if (which.quiet_ticks <= patience)
    return 1;
  return std::min(1U << std::min(which.quiet_ticks - patience, 30U),
                  defaults::longest_rest);
}

// -- the end -----------------------------------------------------------------------

expected<void> open_regions::close(const std::string& name) {
  std::lock_guard turn{turn_};
  std::vector<entry> gone;
  {
    std::lock_guard guard{mutex_};
    if (refuses_)
      return fail(errc::shutting_down, "the runtime drains");
    auto i = regions_.find(name);
    if (i == regions_.end())
      return fail(errc::unknown_region, "no region is named " + name);
    gone.push_back(std::move(i->second));
    regions_.erase(i);
  }
  end(gone);
  return {};
}

void open_regions::close_unused() {
  if (!unused_->exchange(false, std::memory_order_acquire))
    return;
  std::lock_guard turn{turn_};
  std::vector<entry> gone;
  {
    std::lock_guard guard{mutex_};
    for (auto i = regions_.begin(); i != regions_.end();) {
      auto& x = i->second;
      const auto unused
        = x.where().options().close_when_unused && x.handle.expired();
      if (unused && !refuses_)
        gone.push_back(std::move(x));
      i = unused && !refuses_ ? regions_.erase(i) : std::next(i);
    }
  }
  end(gone);
}

/// Ends regions that were removed from `regions_`. Called under `turn_`, so that their
/// names can be used again only after they have ended.
void open_regions::end(const std::vector<entry>& gone) {
  std::vector<supervisor::departure> leaving;
  logger_scope ending;
  for (const auto& x : gone) {
    {
      std::lock_guard guard{adopting_};
      x.care->closed = true;
    }
    x.where().stop();
    leaving.push_back(ground_.tree.dismiss(x.where().name()));
  }
  let_run(ground_.system);
  for (const auto& x : leaving)
    ground_.tree.await_departed(x, longest_end_of_actors);
  for (const auto& x : gone)
    x.care->directory->clear();
}

void open_regions::refuse_more() {
  {
    std::lock_guard guard{mutex_};
    refuses_ = true;
  }
  std::lock_guard turn{turn_};
}

void open_regions::stop() {
  for (auto& x : all())
    x->stop();
}

void open_regions::forget_actors() {
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    x.care->directory->clear();
}

} // namespace troupe::detail
