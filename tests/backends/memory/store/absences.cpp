#include <troupe/backends/memory/store/absences.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using memory::absence;
using memory::absences;

TEST_CASE("an absence ends when something is stored, for all who watch",
          "[absences]") {
  absences uut;
  auto one = uut.watch("a");
  auto two = uut.watch("a");
  auto other = uut.watch("b");
  CHECK(!one->ended());
  uut.end("a");
  CHECK(one->ended());
  CHECK(two->ended());
  CHECK(!other->ended());
  // It is a new one afterwards.
  auto next = uut.watch("a");
  CHECK(!next->ended());
  CHECK(one->ended());
}

TEST_CASE("abandoned absences leave no memory behind", "[absences]") {
  absences uut;
  CHECK(!uut.any());
  std::vector<std::shared_ptr<const absence>> kept;
  for (int i = 0; i < 10; ++i)
    kept.push_back(uut.watch("kept " + std::to_string(i)));
  for (int i = 0; i < 100'000; ++i)
    static_cast<void>(uut.watch("dropped " + std::to_string(i)));
  CHECK(uut.size() < 200);
  uut.drop_abandoned();
  CHECK(uut.size() == kept.size());
  CHECK(uut.any());
  for (int i = 0; i < 10; ++i)
    uut.end("kept " + std::to_string(i));
  for (auto& x : kept)
    CHECK(x->ended());
  CHECK(uut.size() == 0);
  uut.drop_abandoned();
  CHECK(!uut.any());
}
