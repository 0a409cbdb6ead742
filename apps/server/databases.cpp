#include "apps/server/databases.hpp"

#include <utility>

namespace troupe::server {

expected<void> databases::start(std::size_t count, opener open_one) {
  opened_ = std::make_unique<std::atomic<region*>[]>(count);
  count_ = count;
  opener_ = std::move(open_one);
  return open(0).map([](region*) {});
}

expected<region*> databases::open(std::size_t index) {
  if (auto* const present = find(index))
    return present;
  std::lock_guard lock{mutex_};
  if (auto* const present = find(index))
    return present;
  owned_.reserve(count_);
  auto opened = opener_(index);
  if (!opened)
    return tl::unexpected{std::move(opened.error())};
  auto* const result = opened->get();
  owned_.push_back(std::move(*opened));
  opened_[index].store(result, std::memory_order_release);
  return result;
}

} // namespace troupe::server
