#include <troupe/backends/memory/store/leases.hpp>

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using namespace troupe::memory;

namespace {

load_leases::lease lease_of(load_id id,
                            std::shared_ptr<const load_tags> tags = nullptr) {
  return {id, 7, std::move(tags), time_point{}};
}

} // namespace

TEST_CASE("a load lease that ended leaves nothing to the next one",
          "[store][leases]") {
  load_leases uut;
  auto tags = std::make_shared<const load_tags>(troupe::tags{});
  const std::weak_ptr<const load_tags> gone{tags};
  uut.grant("a", lease_of(1, std::move(tags)));
  CHECK_FALSE(uut.release("a", 2));
  CHECK(uut.holder("a") == 1);
  CHECK(uut.release("a", 1));
  CHECK(gone.expired());
  CHECK(uut.size() == 0);
  uut.grant("b", lease_of(3));
  CHECK(uut.holder("a") == 0);
  CHECK(uut.holder("b") == 3);
  REQUIRE(uut.find("b") != nullptr);
  CHECK(uut.find("b")->born == 7);
  CHECK(uut.find("b")->tags == nullptr);
  CHECK(uut.size() == 1);
}

TEST_CASE("load leases of many keys end in any order", "[store][leases]") {
  load_leases uut;
  const auto key = [](load_id id) {
    // Short ones, and some that are longer than what is kept.
    return std::to_string(id) + std::string(id % 5 == 0 ? 1'000 : 3, 'x');
  };
  for (load_id round = 0; round < 3; ++round) {
    for (load_id id = 1; id <= 20; ++id)
      uut.grant(key(id), lease_of(id));
    CHECK(uut.size() == 20);
    for (load_id id = 20; id > 10; --id)
      CHECK(uut.fence(key(id)) == id);
    CHECK(uut.fence(key(20)) == 0);
    for (load_id id = 1; id <= 5; ++id)
      CHECK(uut.release(key(id), id));
    for (load_id id = 6; id <= 10; ++id)
      CHECK(uut.holder(key(id)) == id);
    std::vector<load_id> fenced;
    uut.fence_all([&](bytes_view, load_id id) { fenced.push_back(id); });
    CHECK(fenced.size() == 5);
    CHECK(uut.size() == 0);
  }
}
