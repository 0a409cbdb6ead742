#include <troupe/backends/memory/shards/shard_map.hpp>

#include <algorithm>
#include <bit>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include <troupe/backends/memory/shards/lending.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/namespaces.hpp>

namespace troupe::memory {

namespace {

/// The number of shards, up to `most`, for which a limit has room with `each` for every
/// one; a power of two.
std::size_t shards_for(std::size_t limit, std::size_t each,
                       std::size_t most) noexcept {
  return std::min(most, std::bit_floor(std::max<std::size_t>(limit / each, 1)));
}

/// The number of shards when the options do not set it. Under a small limit there are
/// fewer, so that shards rarely need capacity of others.
std::size_t default_shards(std::size_t max_bytes,
                           std::size_t max_entries) noexcept {
  auto cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  auto wanted = std::clamp(std::bit_ceil(cores * defaults::shards_per_core),
                           defaults::min_shards, defaults::max_shards);
  wanted = shards_for(max_bytes, defaults::wanted_bytes_per_shard, wanted);
  return shards_for(max_entries, defaults::wanted_entries_per_shard, wanted);
}

/// The same for one of `namespaces` of a region whose other keys have `others` shards.
/// With many namespaces, each has fewer: all shards together should stay in the
/// processor's caches.
std::size_t default_shards(const budget& for_bytes, const budget& for_entries,
                           std::size_t namespaces,
                           std::size_t others) noexcept {
  auto most
    = std::clamp<std::size_t>(std::bit_floor(4 * others / namespaces),
                              std::max<std::size_t>(others / 4, 1), others);
  most = std::min(most, defaults::max_namespace_shards);
  most
    = shards_for(for_bytes.tightest(), defaults::wanted_bytes_per_shard, most);
  return shards_for(for_entries.tightest(), defaults::wanted_entries_per_shard,
                    most);
}

/// Lets these shards return what the budgets that they share are overdrawn by.
void lend_among(const shard_list& shards, const table_options& with) {
  auto lend = [&shards](budget& x, lent_resource what) {
    x.collect_from(std::make_shared<shard_lender>(what, shards));
  };
  lend(*with.bytes, lent_resource::in_bytes);
  lend(*with.entries, lent_resource::in_entries);
}

std::vector<std::string>
prefixes_of(const std::vector<namespace_options>& namespaces) {
  std::vector<std::string> result;
  for (auto& x : namespaces)
    result.push_back(x.prefix);
  return result;
}

} // namespace

shard_map::shard_map(const std::string& region, region_options& options,
                     const store_options& with,
                     const std::shared_ptr<tag_registry>& tags,
                     lane_executor& executor)
  : region_(region),
    prefixes_(prefixes_of(options.namespaces)),
    divided_(!options.namespaces.empty()) {
  auto group = [&](const store_options& of) {
    auto result = of;
    result.seed = std::random_device{}();
    result.shared.forgotten = std::make_shared<invalidations>(tags);
    return result;
  };
  auto all_now = options.shards != 0;
  if (!all_now)
    options.shards = default_shards(with.shared.bytes->tightest(),
                                    with.shared.entries->tightest());
  mask_ = options.shards - 1;
  std::vector<store_options> wanted{group(with)};
  wanted[0].shared.shares = options.shards;
  for (auto& x : options.namespaces) {
    auto own = group(with);
    own.shared.bytes = std::make_shared<budget>(
      budget::limit_of(x.max_bytes), with.shared.bytes,
      "max_bytes of namespace " + prefix_text(x.prefix));
    own.shared.entries = std::make_shared<budget>(
      budget::limit_of(x.max_entries), with.shared.entries,
      "max_entries of namespace " + prefix_text(x.prefix));
    if (x.shards == 0)
      x.shards = default_shards(*own.shared.bytes, *own.shared.entries,
                                options.namespaces.size(), options.shards);
    own.shared.shares = x.shards;
    own.shared.eviction = x.eviction.value_or(options.eviction);
    wanted.push_back(std::move(own));
  }
  std::size_t most = 0;
  for (auto& x : wanted)
    most += x.shared.shares;
  growth_ = std::make_unique<growth>(most);
  for (auto& x : wanted) {
    groups_.push_back(std::make_unique<shard_group>(
      region_, size_, x, *options.op_timeout, executor, *growth_, all_now));
    size_ += x.shared.shares;
  }
  for (std::size_t i = 0; i < options.namespaces.size(); ++i) {
    groups_[i + 1]->follow(!options.namespaces[i].eviction);
    lend_among(groups_[i + 1]->shards(), wanted[i + 1].shared);
  }
  lend_among(growth_->all, with.shared);
  slots_ = groups_[0]->slots();
  look_whether_complete();
}

/// The long way of a change.
shard& shard_map::home_in_group(const hashed_key& key) {
  auto& group = *groups_[divided_ ? group_of(key.key) : 0];
  const auto number = group.shard_of(key.hash);
  auto* present = group.made(number);
  return present != nullptr ? *present : make(number);
}

shard& shard_map::make(std::size_t number) {
  auto& group = group_with(number);
  if (auto* present = group.made(number); present != nullptr)
    return *present;
  auto& result = group.make(number);
  look_whether_complete();
  return result;
}

void shard_map::make_all() {
  for (std::size_t i = 0; i < size_; ++i)
    make(i);
}

/// Lets changes take the short way when there is nothing to look for.
void shard_map::look_whether_complete() noexcept {
  // The last of several threads that make shards sees what all of them made.
  std::lock_guard guard{growth_->mutex};
  if (!divided_ && made() == size_)
    roundabout_.store(false, std::memory_order_release);
}

shard_group& shard_map::group_with(std::size_t number) const noexcept {
  std::size_t i = 0;
  for (; number >= groups_[i]->size(); ++i)
    number -= groups_[i]->size();
  return *groups_[i];
}

shard& shard_map::owner_in_group(const hashed_key& key) const noexcept {
  auto& group = *groups_[group_of(key.key)];
  return group.at(group.shard_of(key.hash));
}

static_assert(defaults::max_namespaces <= prefix_map::most);

std::size_t shard_map::made() const noexcept {
  std::size_t result = 0;
  for (const auto& x : groups_)
    result += x->made();
  return result;
}

std::size_t shard_map::entries() const noexcept {
  std::size_t result = 0;
  for (auto* x : all().made())
    result += x->store().entries().size();
  return result;
}

tl::unexpected<error> shard_map::stopped() const {
  return fail(errc::shutting_down,
              "region " + region_ + " has been stopped; its runtime has ended");
}

std::size_t shard_map::group_of(bytes_view key) const noexcept {
  // A key without a prefix has number -1, that is, group 0.
  static_assert(prefix_map::none + 1 == 0);
  return prefixes_.find(key) + 1;
}

expected<std::size_t> shard_map::namespace_of(bytes_view prefix) const {
  auto index = prefixes_.index_of(prefix);
  if (index == prefix_map::none)
    return no_such_namespace(prefix);
  return index;
}

} // namespace troupe::memory
