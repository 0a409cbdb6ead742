#include "conformance/provider_kinds.hpp"

#include <array>
#include <string>

#include <troupe/backends/memory/memory_provider.hpp>

#include "catch.hpp"
#include "conformance/plain_provider.hpp"
#include "region_shards.hpp"

using namespace troupe;

namespace conformance {

namespace {

/// Memory, with few shards, so that keys share them.
class memory_factory final : public provider_factory {
public:
  [[nodiscard]] expected<std::shared_ptr<provider>>
  make(const provider_environment& with) const override {
    if (with.options.shards == 0)
      with.options.shards = 4;
    return std::make_shared<memory_provider>(with);
  }
};

void validate_memory(region& where) {
  for (std::size_t i = 0; i < shard_count(where); ++i) {
    const auto problem
      = shard_at(where, i).run([](memory::store& x) -> expected<std::string> {
          return x.entries().validate();
        });
    REQUIRE_NOTHROW(problem.value());
    CHECK(*problem == "");
  }
}

template <class Factory>
std::shared_ptr<const provider_factory> make() {
  return std::make_shared<const Factory>();
}

} // namespace

std::span<const provider_kind, provider_count> provider_kinds() {
  static const std::array<provider_kind, provider_count> kinds{{
    {"memory", true, 100, &make<memory_factory>, &validate_memory},
    {"plain", true, 20, &make<plain_factory>, nullptr},
    // As a provider elsewhere, which has a clock of its own.
    {"plain in real time", false, 10, &make<plain_factory>, nullptr},
  }};
  return kinds;
}

} // namespace conformance
