#include <troupe/backends/memory/tags/tag_registry.hpp>

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

namespace troupe::memory {

namespace {

/// Bytes of a name beside its characters: the record, the node of the map with malloc's
/// overhead, the map's bucket, and a place in the list of free ids.
constexpr std::size_t bytes_per_name = 128;

/// Up to this size a string holds its characters in itself.
constexpr std::size_t short_string = 15;

/// The share of a limit that names without entries may take.
constexpr std::size_t idle_share = 16;

/// Ids are put into the retired list in place of addresses.
void* as_object(tag_id x) noexcept {
  return reinterpret_cast<void*>(std::uintptr_t{x} + 1);
}

tag_id as_id(void* x) noexcept {
  return static_cast<tag_id>(reinterpret_cast<std::uintptr_t>(x) - 1);
}

} // namespace

// -- steps -------------------------------------------------------------------------

thread_local constinit tag_step* tag_step::innermost_ = nullptr;

void tag_step::enter(tag_witness& store) noexcept {
  entered_ = true;
  outer_ = innermost_;
  if (!here(tags_)) {
    store_ = &store;
    // Either an invalidation sees this step and waits for it, or this step sees the
    // invalidation: both store first and load second.
    store.busy_.store(true, std::memory_order_seq_cst);
    while (tags_.invalidating_.load(std::memory_order_seq_cst))
      [[unlikely]] {
        store.busy_.store(false, std::memory_order_release);
        while (tags_.invalidating_.load(std::memory_order_acquire))
          std::this_thread::yield();
        store.busy_.store(true, std::memory_order_seq_cst);
      }
  }
  innermost_ = this;
}

void tag_step::leave() noexcept {
  innermost_ = outer_;
  if (store_ != nullptr)
    store_->busy_.store(false, std::memory_order_release);
}

bool tag_step::here(const tag_registry& tags) noexcept {
  for (auto* i = innermost_; i != nullptr; i = i->outer_)
    if (&i->tags_ == &tags)
      return true;
  return false;
}

// -- the registry ------------------------------------------------------------------

tag_registry::tag_registry(std::shared_ptr<budget> bytes) noexcept
  : retired_(
    [](void* self, void* x) noexcept {
      // There is room: `take_id` reserved it.
      static_cast<tag_registry*>(self)->free_.push_back(as_id(x));
    },
    this),
    budget_(std::move(bytes)) {
  // nop
}

tag_registry::~tag_registry() {
  // Ids are not memory; there are no readers any more.
  retired_.forget();
  if (budget_ != nullptr)
    budget_->take_back(this->bytes());
}

std::size_t tag_registry::cost_of(bytes_view name) noexcept {
  return bytes_per_name
         + (name.size() > short_string ? name.size() + short_string : 0);
}

std::size_t tag_registry::idle_limit() const noexcept {
  return budget_ == nullptr
           ? most_idle_bytes
           : std::min(most_idle_bytes, budget_->tightest() / idle_share);
}

void tag_registry::count(std::size_t names, std::size_t bytes) noexcept {
  size_.store(size() + names, std::memory_order_relaxed);
  bytes_.store(this->bytes() + bytes, std::memory_order_relaxed);
}

/// Returns an unused id. Throws std::bad_alloc.
tag_id tag_registry::take_id() {
  if (!free_.empty()) {
    const auto result = free_.back();
    free_.pop_back();
    return result;
  }
  if (free_.capacity() <= next_id_)
    free_.reserve(std::max<std::size_t>(2 * free_.capacity(), 16));
  if (!records_.reach(next_id_))
    throw std::bad_alloc{};
  return next_id_++;
}

/// The id of a name, under the mutex. Throws std::bad_alloc.
tag_id tag_registry::find_or_add(bytes_view name) {
  if (auto i = ids_.find(name); i != ids_.end())
    return i->second;
  const auto id = take_id();
  const std::string* kept = nullptr;
  try {
    kept = &ids_.emplace(name, id).first->first;
  } catch (...) {
    free_.push_back(id);
    throw;
  }
  auto& x = records_[id];
  x.last.store(floor_, std::memory_order_relaxed);
  x.name = kept;
  const auto cost = cost_of(name);
  count(1, cost);
  if (budget_ != nullptr)
    budget_->overdraw(cost);
  return id;
}

void tag_registry::use(std::span<const troupe::bytes> names,
                       std::vector<tag_id>& ids) {
  ids.reserve(names.size());
  std::unique_lock guard{names_};
  try {
    for (auto& name : names) {
      const auto id = find_or_add(name);
      records_[id].uses.fetch_add(1, std::memory_order_relaxed);
      ids.push_back(id);
    }
  } catch (...) {
    guard.unlock();
    release(ids);
    ids.clear();
    throw;
  }
}

bool tag_registry::killed_by_name(std::uint64_t born,
                                  std::span<const troupe::bytes> names) const {
  if (names.empty())
    return false;
  std::lock_guard guard{names_};
  for (auto& name : names) {
    const auto i = ids_.find(name);
    const auto last
      = i == ids_.end()
          ? floor_
          : records_[i->second].last.load(std::memory_order_acquire);
    if (last >= born)
      return true;
  }
  return false;
}

/// The last use of an id has ended. It may already have a new use.
void tag_registry::set_aside(tag_id id) noexcept {
  std::lock_guard guard{names_};
  auto& x = records_[id];
  if (x.name == nullptr || x.idle
      || x.uses.load(std::memory_order_acquire) != 0)
    return;
  try {
    idle_.push_back(id);
  } catch (const std::bad_alloc&) {
    // The id stays until it is used and set aside again.
    return;
  }
  x.idle = true;
  idle_bytes_ += cost_of(*x.name);
  forget_some();
}

/// Drops the names that have been without an entry longest.
void tag_registry::forget_some() noexcept {
  const auto most = idle_limit();
  auto forgot = false;
  while (idle_bytes_ > most) {
    const auto id = idle_.front();
    idle_.pop_front();
    auto& x = records_[id];
    x.idle = false;
    idle_bytes_ -= cost_of(*x.name);
    if (x.uses.load(std::memory_order_acquire) != 0)
      continue;
    forget(id);
    forgot = true;
  }
  if (forgot)
    retired_.collect();
}

void tag_registry::forget(tag_id id) noexcept {
  auto& x = records_[id];
  floor_ = std::max(floor_, x.last.load(std::memory_order_relaxed));
  const auto cost = cost_of(*x.name);
  ids_.erase(ids_.find(*std::exchange(x.name, nullptr)));
  count(~std::size_t{0}, -cost);
  if (budget_ != nullptr)
    budget_->take_back(cost);
  retired_.retire(as_object(id), sizeof(record));
}

std::string tag_registry::validate(std::span<const std::uint32_t> uses) const {
  std::lock_guard guard{names_};
  std::size_t idle = 0;
  for (tag_id id = 0; id < next_id_; ++id) {
    auto& x = records_[id];
    const auto counted = x.uses.load(std::memory_order_relaxed);
    const auto found = id < uses.size() ? uses[id] : 0;
    if (counted != found)
      return "tag " + std::to_string(id) + " is used by "
             + std::to_string(found) + " entries, counted "
             + std::to_string(counted);
    if (x.name == nullptr) {
      if (found != 0)
        return "tag " + std::to_string(id) + " was forgotten in use";
      continue;
    }
    if (auto i = ids_.find(*x.name); i == ids_.end() || i->second != id)
      return "the name of tag " + std::to_string(id) + " leads elsewhere";
    if (x.idle)
      idle += cost_of(*x.name);
  }
  return idle == idle_bytes_
           ? std::string{}
           : "idle names take " + std::to_string(idle) + " bytes, counted "
               + std::to_string(idle_bytes_);
}

// -- invalidations -----------------------------------------------------------------

void tag_registry::add(const tag_witness& store) {
  std::lock_guard guard{invalidations_};
  stores_.push_back(&store);
}

void tag_registry::remove(const tag_witness& store) noexcept {
  std::lock_guard guard{invalidations_};
  std::erase(stores_, &store);
}

bool tag_registry::tag_step_here() const noexcept {
  return tag_step::here(*this);
}

/// Waits for the steps in progress, and keeps out others. Under the mutex.
void tag_registry::begin_invalidating() noexcept {
  invalidating_.store(true, std::memory_order_seq_cst);
  for (auto* store : stores_)
    while (store->busy_.load(std::memory_order_seq_cst))
      std::this_thread::yield();
}

bool tag_registry::invalidate(bytes_view name) {
  if (tag_step_here())
    return false;
  std::lock_guard turn{invalidations_};
  std::optional<tag_id> id;
  try {
    std::lock_guard guard{names_};
    id = find_or_add(name);
    records_[*id].uses.fetch_add(1, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    // No entry has the tag; the floor replaces its record.
  }
  begin_invalidating();
  const auto now = sequence();
  if (id) {
    auto& x = records_[*id];
    x.last.store(now, std::memory_order_release);
    if (x.uses.load(std::memory_order_relaxed) > 1)
      kills_.fetch_add(1, std::memory_order_release);
  } else {
    std::lock_guard guard{names_};
    floor_ = now;
  }
  sequence_.store(now + 1, std::memory_order_seq_cst);
  end_invalidating();
  if (id)
    release({&*id, 1});
  return true;
}

} // namespace troupe::memory
