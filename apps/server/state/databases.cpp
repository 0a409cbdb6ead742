#include "apps/server/state/databases.hpp"

#include <chrono>
#include <string>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

namespace troupe::server {

namespace {

/// How long one that opens a database, or changes them all, waits for another.
constexpr std::chrono::seconds patience{2};

} // namespace

memory::shard_map& shards_of(region& database) noexcept {
  return database.provider().joint_turns()->shards();
}

expected<void> databases::start(std::size_t count, opener open_one) {
  opened_ = std::make_unique<std::atomic<region*>[]>(count);
  count_ = count;
  opener_ = std::move(open_one);
  return open(0).map([](region*) {});
}

expected<region*> databases::open(std::size_t index) {
  if (auto* const present = find(index))
    return present;
  const std::unique_lock lock{mutex_, patience};
  if (!lock)
    return fail(errc::overloaded, "settings are being changed; try again");
  if (auto* const present = find(index))
    return present;
  owned_.reserve(count_);
  auto opened = opener_(index);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto* const result = opened->get();
  if (result->provider().joint_turns() == nullptr)
    return fail(errc::unsupported,
                "database " + std::to_string(index)
                  + " is not in memory, which transactions need");
  owned_.push_back(std::move(*opened));
  opened_[index].store(result, std::memory_order_release);
  return result;
}

std::unique_lock<std::timed_mutex> databases::keep_as_they_are() {
  return std::unique_lock{mutex_, patience};
}

} // namespace troupe::server
