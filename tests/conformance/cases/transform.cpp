// Changes that a function decides on that has seen the entry.

#include <atomic>
#include <new>
#include <optional>
#include <string>

#include "conformance/fixture.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

expected<void> transform(fixture& f, std::string_view key, const edit& next) {
  return f.uut->transform(
    key, [&](const entry_view*) -> expected<edit> { return next; });
}

/// An entry that ends in an hour, idles for 30 minutes and has the tag "red".
moments set_rich(fixture& f, std::string_view key, std::string_view value) {
  write_options how;
  how.ttl = 1h;
  how.idle = 30min;
  how.tags = {"red"};
  return f.during([&] { REQUIRE(f.uut->set(key, value, how)); });
}

/// Whether the entry still has all that, and then removes it by its tag.
bool is_rich(fixture& f, std::string_view key, moments written) {
  const auto x = look_at(*f.uut, key);
  if (!x || x->idle != 30min || !f.falls(x->ttl_end, written, 1h))
    return false;
  REQUIRE(f.uut->invalidate_tag("red"));
  return f.get(key) == "<none>";
}

} // namespace

PROVIDER_CASE("the function of a transform sees the entry", "[transform]") {
  fixture f{kind};
  set_rich(f, "k", "value");
  const auto before = look_at(*f.uut, "k");
  std::optional<sight> seen;
  REQUIRE(f.uut->transform("k", [&](const entry_view* x) -> expected<edit> {
    if (x != nullptr)
      seen
        = sight{bytes{x->value}, x->version, x->deadline, x->ttl_end, x->idle};
    return edit::keep();
  }));
  REQUIRE(seen);
  CHECK(seen->value == "value");
  CHECK(seen->version == before->version);
  CHECK(seen->ttl_end == before->ttl_end);
  CHECK(seen->idle == 30min);
  CHECK(seen->deadline >= before->deadline);
  auto absent = false;
  REQUIRE(f.uut->transform("other", [&](const entry_view* x) -> expected<edit> {
    absent = x == nullptr;
    return edit::keep();
  }));
  CHECK(absent);
  CHECK(f.get("other") == "<none>");
}

PROVIDER_CASE("the function of a transform sees no expired entry",
              "[transform][expiry]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "old", {.ttl = f.units(1)}));
  f.advance(f.units(1));
  auto absent = false;
  REQUIRE(f.uut->transform("k", [&](const entry_view* x) -> expected<edit> {
    absent = x == nullptr;
    return edit::append("new");
  }));
  CHECK(absent);
  CHECK(f.get("k") == "new");
  CHECK(f.uut->ttl("k") == no_expiry);
}

PROVIDER_CASE("an edit that keeps changes nothing", "[transform]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "value", {.ttl = 1h}));
  const auto before = look_at(*f.uut, "k");
  REQUIRE(transform(f, "k", edit::keep()));
  CHECK(look_at(*f.uut, "k") == before);
  REQUIRE(transform(f, "other", edit::keep()));
  CHECK(f.uut->contains("other") == false);
}

PROVIDER_CASE("an edit that stores begins anew", "[transform]") {
  fixture f{kind, {.ttl = 2h}};
  set_rich(f, "k", "old");
  SECTION("with what the region says") {
    const auto written
      = f.during([&] { REQUIRE(transform(f, "k", edit::store("1"))); });
    CHECK(look_at(*f.uut, "k")->idle == no_expiry);
    CHECK(f.ends("k", written, 2h));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "1");
  }
  SECTION("or with what it says itself") {
    write_options how;
    how.ttl = 3h;
    how.idle = 45min;
    how.tags = {"blue"};
    const auto written
      = f.during([&] { REQUIRE(transform(f, "k", edit::store("1", how))); });
    CHECK(f.falls(look_at(*f.uut, "k")->ttl_end, written, 3h));
    CHECK(f.ends("k", written, 45min));
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "1");
    REQUIRE(f.uut->invalidate_tag("blue"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("also where nothing was") {
    REQUIRE(transform(f, "new", edit::store("1")));
    CHECK(f.get("new") == "1");
  }
}

PROVIDER_CASE("an edit that replaces the value keeps the rest", "[transform]") {
  fixture f{kind, {.ttl = 2h}};
  const auto written = set_rich(f, "k", "old");
  REQUIRE(transform(f, "k", edit::replace("new")));
  CHECK(f.get("k") == "new");
  CHECK(is_rich(f, "k", written));
  const auto made
    = f.during([&] { REQUIRE(transform(f, "other", edit::replace("1"))); });
  CHECK(f.get("other") == "1");
  CHECK(f.ends("other", made, 2h));
}

PROVIDER_CASE("an edit stores a value until a moment", "[transform]") {
  fixture f{kind, {.ttl = 2h, .idle = 100h}};
  set_rich(f, "k", "old");
  const auto deadline = f.now() + 5h;
  REQUIRE(transform(f, "k", edit::store_until("1", deadline)));
  CHECK(f.get("k") == "1");
  CHECK(f.falls(look_at(*f.uut, "k")->ttl_end, {deadline, deadline}));
  CHECK(look_at(*f.uut, "k")->idle == 100h);
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("k") == "1");
  REQUIRE(transform(f, "k", edit::store_until("2", deadline, 1h)));
  CHECK(look_at(*f.uut, "k")->idle == 1h);
  REQUIRE(transform(f, "k", edit::store_until("3", never, no_expiry)));
  CHECK(f.uut->ttl("k") == no_expiry);
  // One that has passed.
  REQUIRE(transform(f, "k", edit::store_until("4", f.now())));
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE("an edit writes into a value", "[transform]") {
  fixture f{kind, {.ttl = 2h}};
  const auto written = set_rich(f, "k", "0123456789");
  REQUIRE(transform(f, "k", edit::overwrite(2, "ab")));
  CHECK(f.get("k") == "01ab456789");
  REQUIRE(transform(f, "k", edit::overwrite(8, "cdef")));
  CHECK(f.get("k") == "01ab4567cdef");
  REQUIRE(transform(f, "k", edit::overwrite(14, "g")));
  CHECK(f.get("k") == bytes("01ab4567cdef\0\0g", 15));
  REQUIRE(transform(f, "k", edit::append("h")));
  CHECK(f.get("k") == bytes("01ab4567cdef\0\0gh", 16));
  REQUIRE(transform(f, "k", edit::append("")));
  CHECK(f.get("k") == bytes("01ab4567cdef\0\0gh", 16));
  CHECK(is_rich(f, "k", written));
  // Nothing counts as an empty value, which gets what the region says.
  const auto made
    = f.during([&] { REQUIRE(transform(f, "k", edit::append("x"))); });
  CHECK(f.get("k") == "x");
  CHECK(f.ends("k", made, 2h));
  REQUIRE(transform(f, "gap", edit::overwrite(3, "x")));
  CHECK(f.get("gap") == bytes("\0\0\0x", 4));
  REQUIRE(transform(f, "empty", edit::append("")));
  CHECK(f.get("empty") == "");
}

PROVIDER_CASE("a large value grows and is written into", "[transform]") {
  fixture f{kind};
  std::string wanted;
  for (int i = 0; i < 200; ++i) {
    const std::string part(7'919, static_cast<char>('a' + i % 26));
    REQUIRE(transform(f, "k", edit::append(part)));
    wanted += part;
    if (i % 20 == 19) {
      const auto offset = wanted.size() / 3;
      REQUIRE(transform(f, "k", edit::overwrite(offset, "HERE")));
      wanted.replace(offset, 4, "HERE");
      if (f.get("k") != wanted)
        FAIL("the value differs at " << wanted.size() << " bytes");
    }
  }
}

PROVIDER_CASE("an edit removes the entry", "[transform]") {
  fixture f{kind};
  REQUIRE(f.uut->set("k", "1"));
  REQUIRE(transform(f, "k", edit::erase()));
  CHECK(f.get("k") == "<none>");
  REQUIRE(transform(f, "k", edit::erase()));
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE("an edit gives the entry another end", "[transform]") {
  fixture f{kind};
  set_rich(f, "k", "value");
  const auto deadline = f.now() + 3h;
  REQUIRE(transform(f, "k", edit::touch(deadline)));
  CHECK(f.falls(look_at(*f.uut, "k")->ttl_end, {deadline, deadline}));
  CHECK(look_at(*f.uut, "k")->idle == 30min);
  CHECK(f.get("k") == "value");
  REQUIRE(transform(f, "k", edit::touch(never)));
  CHECK(look_at(*f.uut, "k")->ttl_end == never);
  REQUIRE(f.uut->set("plain", "value"));
  REQUIRE(transform(f, "plain", edit::touch(deadline)));
  CHECK(f.falls(look_at(*f.uut, "plain")->deadline, {deadline, deadline}));
  REQUIRE(transform(f, "plain", edit::touch(f.now())));
  CHECK(f.get("plain") == "<none>");
  REQUIRE(transform(f, "absent", edit::touch(deadline)));
  CHECK(f.get("absent") == "<none>");
}

PROVIDER_CASE("a transform that fails changes nothing", "[transform][G10]") {
  fixture f{kind, {.max_key_size = 10, .max_value_size = 20}};
  const auto present = GENERATE(false, true);
  if (present)
    REQUIRE(f.uut->set("k", "0123456789", {.ttl = 1h}));
  const auto before = look_at(*f.uut, "k");
  auto code
    = [&](const edit& next) { return code_of(transform(f, "k", next)); };
  const std::string large(21, 'v');
  CHECK(code(edit::store(large)) == errc::value_too_large);
  CHECK(code(edit::replace(large)) == errc::value_too_large);
  CHECK(code(edit::append(large)) == errc::value_too_large);
  CHECK(code(edit::overwrite(18, "abc")) == errc::value_too_large);
  CHECK(code(edit::overwrite(edit::at_end - 1, "abc"))
        == errc::value_too_large);
  CHECK(code(edit::store("x", {.ttl = 0ms})) == errc::invalid_argument);
  CHECK(code(edit::store("x", {.idle = -1ms})) == errc::invalid_argument);
  CHECK(code(edit::store("x", {.condition = write_condition::if_absent}))
        == errc::invalid_argument);
  CHECK(code_of(f.uut->transform("k",
                                 [](const entry_view*) -> expected<edit> {
                                   return fail(errc::update_failed, "no");
                                 }))
        == errc::update_failed);
  CHECK(
    code_of(f.uut->transform(
      "k", [](const entry_view*) -> expected<edit> { throw std::bad_alloc{}; }))
    == errc::out_of_memory);
  auto calls = 0;
  CHECK(code_of(f.uut->transform(std::string(11, 'k'),
                                 [&](const entry_view*) -> expected<edit> {
                                   ++calls;
                                   return edit::erase();
                                 }))
        == errc::key_too_large);
  CHECK(calls == 0);
  CHECK(look_at(*f.uut, "k") == before);
  CHECK(f.uut->size() == (present ? 1 : 0));
}

PROVIDER_CASE("no tag is invalidated in the middle of a transform",
              "[transform][tags][G10]") {
  fixture f{kind};
  REQUIRE(f.uut->set("other", "1", tagged({"red"})));
  for (auto tags : {tagged({}), tagged({"red"})}) {
    REQUIRE(f.uut->set("k", "1", tags));
    auto code = errc::none;
    REQUIRE(f.uut->transform("k", [&](const entry_view*) -> expected<edit> {
      code = code_of(f.uut->invalidate_tag("red"));
      return edit::replace("2");
    }));
    // Without tags there may be nothing to be in the way of.
    CHECK((code == errc::invalid_argument
           || (code == errc::none && tags.tags.empty())));
    CHECK(f.get("k") == "2");
  }
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("k") == "<none>");
  CHECK(f.get("other") == "<none>");
}

PROVIDER_CASE("parallel transforms lose nothing", "[transform][G1]") {
  constexpr int rounds = 300;
  fixture f{kind};
  std::atomic<int> failed{0};
  crew(3, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      const auto done
        = f.uut->transform("n", [&](const entry_view* x) -> expected<edit> {
            // In one of three threads by what is there, else blindly.
            if (t != 0)
              return edit::append("x");
            static thread_local bytes next;
            next = x == nullptr ? bytes{} : bytes{x->value};
            next += 'x';
            return edit::replace(next);
          });
      if (!done)
        ++failed;
    }
  });
  CHECK(failed == 0);
  CHECK(f.get("n") == std::string(std::size_t{3 * rounds}, 'x'));
}
