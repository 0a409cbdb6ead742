#include <troupe/backends/memory/memory_provider.hpp>

#include <new>
#include <string>

#include <troupe/backends/memory/shards/key_scan.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>

namespace troupe {

using memory::budget;
using memory::store;

namespace {

/// The options that the stores of all shards share.
memory::store_options store_options_of(const region_options& options,
                                       const clock& time) {
  memory::store_options result;
  result.time = &time;
  result.shared.time = &time;
  result.shared.eviction = options.eviction;
  result.ttl = options.ttl;
  result.idle = options.idle;
  result.jitter = options.jitter;
  result.stale_for
    = std::max(options.fail_safe, options.stale_while_revalidate);
  result.refresh_ahead = options.refresh_ahead;
  result.record_sets = options.record_sets;
  result.update_lease = *options.op_timeout;
  return result;
}

std::shared_ptr<memory::shard_map>
make_shards(const provider_environment& with, memory::store_options common,
            const std::shared_ptr<budget>& bytes,
            const std::shared_ptr<budget>& entries,
            const std::shared_ptr<memory::tag_registry>& tags,
            memory::removal_queue& removals) {
  common.shared.bytes = bytes;
  common.shared.entries = entries;
  common.shared.removals = &removals;
  return std::make_shared<memory::shard_map>(with.region, with.options, common,
                                             tags, *with.executor);
}

} // namespace

memory_provider::memory_provider(const provider_environment& with,
                                 std::shared_ptr<budget> parent)
  : time_(with.time),
    executor_(with.executor),
    bytes_(std::make_shared<budget>(budget::limit_of(with.options.max_bytes),
                                    std::move(parent),
                                    "max_bytes of region " + with.region)),
    tags_(std::make_shared<memory::tag_registry>(bytes_)),
    entries_(std::make_shared<budget>(
      budget::limit_of(with.options.max_entries), nullptr,
      "max_entries of region " + with.region)),
    eviction_(with.options.eviction),
    removals_(std::make_shared<memory::removal_queue>(with.workers)),
    shards_(make_shards(with, store_options_of(with.options, with.time), bytes_,
                        entries_, tags_, *removals_)),
    joint_turns_(*shards_),
    events_(with.time),
    explains_(*shards_, events_),
    options_(with.options) {
  // nop
}

memory_provider::~memory_provider() {
  removals_->close();
}

std::string_view memory_provider::kind() const noexcept {
  return "memory";
}

// -- reading -----------------------------------------------------------------------

expected<bool> memory_provider::read(const hashed_key& key,
                                     function_ref<void(const entry_view&)> f,
                                     lookup as) const {
  return visit(key, f, as);
}

expected<bool> memory_provider::read_usable(
  const hashed_key& key,
  function_ref<void(const entry_view&, const staleness&)> f, lookup as) const {
  const auto& in = owner(key).store();
  if (in.read_usable(key, f, as))
    return true;
  if (in.stopped())
    return shards_->stopped();
  return false;
}

expected<void>
memory_provider::read_many(std::span<const hashed_key> keys,
                           function_ref<void(std::size_t, const entry_view*)> f,
                           lookup as) const {
  return visit_many(keys, f, as);
}

/// In the order of the shard's mailbox, so that a caller that does not wait finds its
/// earlier changes, in any state of the shard's actor.
void memory_provider::read_then(
  carried_key key, lookup as,
  completion<std::optional<entry_copy>> done) const {
  auto& where = owner(key);
  if (where.mailbox().depth() >= defaults::mailbox_limit) {
    done(tl::unexpected{where.overloaded()});
    return;
  }
  troupe::submit(where.mailbox(), [this, &where, key = std::move(key), as,
                                   done = std::move(done)]() noexcept {
    done(copy_of(where.store(), key, as));
  });
}

expected<std::optional<entry_copy>>
memory_provider::copy_of(const store& in, const hashed_key& key,
                         lookup as) const {
  std::optional<entry_copy> result;
  try {
    const auto found = in.read(
      key,
      [&result](const entry_view& x) {
        result.emplace(entry_copy{bytes{x.value}, x.version, x.deadline});
      },
      as);
    if (!found && in.stopped())
      return shards_->stopped();
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  return result;
}

void memory_provider::prefetch(
  std::span<const upcoming_key> keys) const noexcept {
  std::array<const memory::shard*, prefetched_keys> owners;
  const auto size = std::min(keys.size(), owners.size());
  epoch_guard guard;
  for (std::size_t i = 0; i < size; ++i) {
    owners[i] = &owner(keys[i].key);
    if (keys[i].changes)
      owners[i]->prefetch_for_write(keys[i].key.hash);
    else
      owners[i]->store().prefetch_bucket(keys[i].key.hash);
  }
  for (std::size_t i = 0; i < size; ++i)
    owners[i]->store().prefetch_entry(keys[i].key.hash);
}

// -- changing ----------------------------------------------------------------------

expected<change_result> memory_provider::apply(const key_change& what) {
  return std::visit(
    [this](const auto& x) -> expected<change_result> {
      return run(x).map([](auto result) { return change_result{result}; });
    },
    what);
}

expected<bool> memory_provider::set_gathered(const set_change& what) {
  memory::value_buffer copy;
  try {
    copy.append(what.value);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  auto gathered = what;
  gathered.value = copy.view();
  gathered.gathered = &copy;
  return run(gathered);
}

template <class Change>
void memory_provider::submit(carried<Change> what,
                             completion<change_result> done) {
  struct operation {
    carried<Change> what;

    expected<typename Change::result> operator()(store& where) const {
      return where.apply(what.view());
    }

    [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
      return key_that_is_read(what.view());
    }
  };
  auto* const where = find_home(what.view().key);
  if (where == nullptr) {
    done(fail(errc::out_of_memory));
    return;
  }
  where->submit(
    operation{std::move(what)},
    [done = std::move(done)](expected<typename Change::result> x) {
      done(std::move(x).map([](auto result) { return change_result{result}; }));
    });
}

void memory_provider::apply_then(carried_change what,
                                 completion<change_result> done) {
  std::visit([&](auto& x) { submit(std::move(x), std::move(done)); }, what);
}

expected<void> memory_provider::set_many(std::span<const hashed_key> keys,
                                         std::span<const bytes_view> values,
                                         const write_options& how) {
  // Grouped by shard; each group in the order of the items, in one turn of its mailbox.
  std::vector<std::vector<hashed_key>> keys_of(shards_->size());
  std::vector<std::vector<bytes_view>> values_of(shards_->size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto number = shards_->number_of(keys[i]);
    keys_of[number].push_back(keys[i]);
    values_of[number].push_back(values[i]);
  }
  for (std::size_t i = 0; i < shards_->size(); ++i) {
    if (keys_of[i].empty())
      continue;
    auto stored = shards_->make(i).run([&](store& where) {
      return where.set_many(keys_of[i], values_of[i], how);
    });
    if (!stored)
      return stored;
  }
  return {};
}

expected<void>
memory_provider::transform(const hashed_key& key,
                           function_ref<expected<edit>(const entry_view*)> f) {
  return transform_inline(key, f);
}

/// The shard of a key that will be changed, or nullptr when there is no memory for it.
memory::shard* memory_provider::find_home(const hashed_key& key) noexcept {
  try {
    return &shards_->home(key);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// -- figures and life --------------------------------------------------------------

std::size_t memory_provider::size() const noexcept {
  return shards_->entries();
}

provider_figures memory_provider::figures() const noexcept {
  provider_figures result;
  result.removals_dropped = removals_->dropped();
  double left = 0; // Milliseconds, of all entries together.
  const auto now = time_.now();
  for (const auto* x : shards_->all().made()) {
    auto& entries = x->store().entries();
    result.keys += entries.size();
    const auto expiring = entries.expiring();
    if (const auto mean = entries.mean_deadline(); mean != never) {
      const std::chrono::duration<double, std::milli> mean_left = mean - now;
      left += mean_left.count() * static_cast<double>(expiring);
    }
    result.bytes += entries.bytes();
    result.charged += entries.charged();
    result.expiring += expiring;
    result.evictions += entries.evictions();
    result.expirations += entries.expirations();
    result.retired += entries.retired_bytes();
    result.vacant += entries.vacant_bytes();
    result.relocations += entries.relocations();
    result.handled += x->mailbox().handled();
    result.mailbox_depth += x->mailbox().depth();
    result.restarts += x->restarts();
    result.shards_failed += x->state() == part_state::failed ? 1 : 0;
  }
  result.tag_names = tags_->size();
  result.tag_bytes = tags_->bytes();
  result.charged += result.tag_bytes;
  if (result.expiring > 0)
    result.mean_ttl = std::chrono::milliseconds{static_cast<std::int64_t>(
      std::max(left / static_cast<double>(result.expiring), 0.0))};
  return result;
}

jitter_counts memory_provider::jitter() const noexcept {
  jitter_counts result{};
  for (const auto* x : shards_->all().made())
    x->store().jitter().add_to(result);
  return result;
}

expected<void> memory_provider::check_running() const {
  return shards_->check_running();
}

bool memory_provider::tick() noexcept {
  // Evictions are counted over a period in which some happen: 0.1 s.
  constexpr unsigned ticks_per_rebalance = 5;
  memory::large_block::free_waiting();
  auto busy = bytes_->limit() != budget::unlimited
              || entries_->limit() != budget::unlimited || shards_->divided();
  // Changes since the last call may lead to evictions, and these to a rebalance.
  std::uint64_t handled = 0;
  for (auto* x : shards_->all().made()) {
    busy = x->sweep() || busy;
    handled += x->mailbox().handled();
  }
  if (handled != std::exchange(handled_, handled))
    busy = true;
  if (++ticks_ % ticks_per_rebalance == 0)
    rebalance();
  return busy;
}

/// Group 0 first, because `check_running` asks it.
void memory_provider::stop() noexcept {
  for (const auto& x : shards_->groups())
    x->stop();
}

std::size_t memory_provider::part_count() const noexcept {
  return shards_->size();
}

std::size_t memory_provider::parts_made() const noexcept {
  return shards_->made();
}

provider_part* memory_provider::part(std::size_t index) const noexcept {
  return index < shards_->size() ? (*shards_)[index] : nullptr;
}

expected<void> memory_provider::make_part(std::size_t index) {
  try {
    shards_->make(index);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  return {};
}

std::size_t memory_provider::part_of(const hashed_key& key) const noexcept {
  return shards_->number_of(key);
}

} // namespace troupe
