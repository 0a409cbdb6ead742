#include <troupe/backends/memory/common_limit.hpp>

#include <utility>

#include <troupe/backends/memory/memory_provider.hpp>
#include <troupe/backends/memory/space/chunk_pool.hpp>
#include <troupe/messages/types/defaults.hpp>

namespace troupe {

using memory::budget;

/// Makes providers within the limit. A provider that needs room gets it from others.
class common_limit::member_factory final : public provider_factory {
public:
  member_factory(std::shared_ptr<budget> limit,
                 std::shared_ptr<memory::region_lender> lenders) noexcept
    : bytes_(std::move(limit)), lenders_(std::move(lenders)) {
    // nop
  }

  [[nodiscard]] expected<std::shared_ptr<provider>>
  make(const provider_environment& with) const override {
    auto result = std::make_shared<memory_provider>(with, bytes_);
    lenders_->add(result->shard_list());
    return result;
  }

private:
  std::shared_ptr<budget> bytes_;
  std::shared_ptr<memory::region_lender> lenders_;
};

common_limit::common_limit(std::size_t max_bytes, std::string name)
  : lenders_(std::make_shared<memory::region_lender>()),
    bytes_(std::make_shared<budget>(budget::limit_of(max_bytes), nullptr,
                                    std::move(name))) {
  bytes_->collect_from(lenders_);
}

std::shared_ptr<const provider_factory> common_limit::factory() const {
  return std::make_shared<member_factory>(bytes_, lenders_);
}

expected<void> common_limit::check(std::size_t max_bytes, std::size_t shards) {
  const auto least = shards * defaults::least_bytes_per_shard;
  if (max_bytes == 0 || max_bytes >= least)
    return {};
  return fail(
    errc::invalid_argument,
    "a limit of " + std::to_string(max_bytes) + " bytes is less than the "
      + std::to_string(least) + " that the " + std::to_string(shards)
      + " shards of the open regions need; set at least that, or open "
        "the regions with fewer shards");
}

expected<void> common_limit::check_room_for(std::size_t shards) const {
  const auto least = shards * defaults::least_bytes_per_shard;
  if (bytes_->limit() >= least)
    return {};
  return fail(errc::invalid_argument,
              "the " + std::to_string(shards)
                + " shards that there would be need " + std::to_string(least)
                + " bytes, but " + bytes_->name() + " is "
                + std::to_string(bytes_->limit())
                + "; raise it, or open regions with fewer shards");
}

void common_limit::set(std::size_t max_bytes,
                       const std::vector<std::shared_ptr<provider>>& all) {
  bytes_->set_limit(budget::limit_of(max_bytes));
  std::size_t used = 0;
  for (const auto& x : all)
    used += x->figures().charged;
  const auto part = bytes_->part_of(used);
  for (const auto& x : all)
    if (auto* const limits = x->limits())
      // A stopped provider stores nothing any more.
      static_cast<void>(limits->obey_limits(part));
  bytes_->settle();
}

void common_limit::rebalance() {
  if (bytes_->limit() == budget::unlimited)
    return;
  const auto members = lenders_->members();
  std::vector<memory::shard*> shards;
  for (const auto& x : members) {
    const auto made = x->made();
    shards.insert(shards.end(), made.begin(), made.end());
  }
  balance_.look(shards, *bytes_, nullptr);
}

void keep_memory_ready(std::stop_token stop) {
  memory::chunk_pool::process().keep_ready(std::move(stop));
}

} // namespace troupe
