// Functions that see an entry and say what becomes of its key.

#include <troupe/backends/memory/store/store.hpp>

#include <string>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

using fixture = store_fixture;

TEST_CASE("a transform sees the live entry and does what it is told",
          "[store]") {
  fixture f{1min};
  auto with = [&](edit next) {
    std::string seen = "<none>";
    auto done = f.uut.transform(f.key("a"), [&](const entry_view* present) {
      if (present != nullptr)
        seen = present->value;
      return expected<edit>{next};
    });
    REQUIRE(done);
    return seen;
  };
  CHECK(with(edit::keep()) == "<none>");
  CHECK(with(edit::touch(never)) == "<none>");
  CHECK(f.uut.version() == no_version);
  CHECK(with(edit::replace("1")) == "<none>");
  CHECK(with(edit::keep()) == "1");
  CHECK(with(edit::store("2", {.ttl = 10ms})) == "1");
  CHECK(with(edit::replace("3")) == "2");
  f.time.advance(10ms);
  CHECK(with(edit::replace("4")) == "<none>");
  f.time.advance(1min - 1ns);
  CHECK(with(edit::touch(f.time.now() + 5ms)) == "4");
  f.time.advance(4ms);
  CHECK(with(edit::store_until("5", f.time.now() + 1ms)) == "4");
  CHECK(with(edit::touch(never)) == "5");
  f.time.advance(1h);
  CHECK(with(edit::erase()) == "5");
  CHECK(with(edit::erase()) == "<none>");
  CHECK(f.uut.entries().size() == 0);
}

TEST_CASE("an error of a transform changes nothing", "[store]") {
  fixture f;
  f.set("a", "1");
  auto before = f.uut.version();
  auto done
    = f.uut.transform(f.key("a"), [](const entry_view*) -> expected<edit> {
        return fail(errc::invalid_argument);
      });
  REQUIRE(!done);
  CHECK(done.error() == errc::invalid_argument);
  CHECK(f.uut.version() == before);
  CHECK(f.get("a") == "1");
}

TEST_CASE("a transform voids the lease of a load like every change",
          "[store]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  auto erased = f.uut.transform(f.key("a"), [](const entry_view*) {
    return expected<edit>{edit::erase()};
  });
  CHECK(erased);
  CHECK(!f.commit("a", 1, "late"));
  REQUIRE(f.granted("a", 2));
  auto kept = f.uut.transform(
    f.key("a"), [](const entry_view*) { return expected<edit>{edit::keep()}; });
  CHECK(kept);
  CHECK(f.commit("a", 2, "in time"));
}
