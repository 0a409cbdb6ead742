// What only some providers can do: walks, exact bytes, joint turns; and what the others
// answer. Limits, namespaces and listeners have files of their own.

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"
#include "conformance/plain_provider.hpp"

#include <troupe/actors/regions/stand_alone.hpp>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Whether a call was refused because the provider of `where` lacks something, and says
/// which region and which provider that is.
template <class T>
bool lacking(const expected<T>& outcome, const region& where) {
  if (code_of(outcome) != errc::unsupported)
    return false;
  const auto& text = outcome.error().text();
  return text.find("region " + where.name()) != std::string::npos
         && text.find(where.provider().kind()) != std::string::npos;
}

/// How often a whole walk meets each key.
std::map<std::string, int> walk(region& where) {
  std::map<std::string, int> seen;
  scan_cursor next = 0;
  do {
    next = where
             .scan(next, [&](bytes_view key,
                             const entry_view&) { ++seen[std::string{key}]; })
             .value();
    CHECK(next < scan_cursor{1} << 53);
  } while (next != 0);
  return seen;
}

/// A region of the plain provider, which has no abilities.
std::shared_ptr<region> open_plain(fixture& f) {
  region_options options;
  options.provider = std::make_shared<plain_factory>();
  auto opened = open_alone("without", options, f.time, f.executor, f.loads);
  REQUIRE(opened);
  return *opened;
}

} // namespace

PROVIDER_CASE("an ability that a provider lacks is an error that names both",
              "[abilities][G8]") {
  fixture f{kind};
  auto& x = *f.uut;
  auto& below = x.provider();
  REQUIRE(x.set("k", "1"));
  if (below.limits() == nullptr) {
    CHECK(x.max_bytes() == 0);
    CHECK(x.max_entries() == 0);
    CHECK_FALSE(x.limited());
    CHECK(x.eviction() == eviction_policy::none);
    CHECK(lacking(x.set_limits(0, 100), x));
    CHECK(lacking(x.set_eviction(eviction_policy::clock), x));
    CHECK(lacking(x.obey_limits(), x));
  }
  if (below.groups() == nullptr) {
    CHECK(x.namespaces().empty());
    CHECK(lacking(x.set_namespace_limits("a:", 1 << 20, 0), x));
    CHECK(lacking(x.check_namespace_limits("a:", 1 << 20, 0), x));
    CHECK(lacking(x.set_namespace_eviction("a:", eviction_policy::clock), x));
    CHECK(lacking(x.clear_namespace("a:"), x));
  }
  if (below.listeners() == nullptr)
    CHECK(lacking(x.on_removal([](const removal&) {}), x));
  if (below.scans() == nullptr) {
    std::minstd_rand random;
    CHECK(lacking(x.scan(0, [](bytes_view, const entry_view&) {}), x));
    CHECK(lacking(x.random_key(random), x));
  }
  if (below.joint_turns() == nullptr) {
    CHECK(lacking(x.watch("k"), x));
    CHECK(lacking(x.unchanged("k", {}), x));
    CHECK(lacking(x.rename("k", "other"), x));
    CHECK(lacking(x.copy("k", x, "other"), x));
  }
  if (below.charges() == nullptr)
    CHECK(lacking(x.charge("k"), x));
  if (below.explains() == nullptr)
    CHECK(lacking(x.explain("k"), x));
  CHECK(f.get("k") == "1");
  CHECK(x.contains("other") == false);
}

PROVIDER_CASE("bad input is told before that an ability is lacking",
              "[abilities][G10]") {
  fixture f{kind, {.max_key_size = 10}};
  const std::string key(11, 'k');
  CHECK(f.uut->charge(key).error() == errc::key_too_large);
  CHECK(f.uut->watch(key).error() == errc::key_too_large);
  CHECK(f.uut->rename(key, "k").error() == errc::key_too_large);
  CHECK(f.uut->rename("k", key).error() == errc::key_too_large);
  CHECK(f.uut->rename("k", "k").error() == errc::invalid_argument);
  CHECK(f.uut->copy("k", *f.uut, "k").error() == errc::invalid_argument);
}

PROVIDER_CASE("limits that a provider cannot keep are refused when it is made",
              "[abilities][G10]") {
  fixture f{kind};
  const auto limited = f.uut->provider().limits() != nullptr;
  const auto grouped = f.uut->provider().groups() != nullptr;
  auto code = [&](const region_options& x) {
    auto opened = open_beside(f, "other", x);
    if (opened)
      (*opened)->stop();
    else
      CHECK(opened.error().text().find("region other") != std::string::npos);
    return code_of(opened);
  };
  CHECK(code({.max_bytes = 1 << 20})
        == (limited ? errc::none : errc::unsupported));
  CHECK(code({.max_entries = 100})
        == (limited ? errc::none : errc::unsupported));
  CHECK(code({.namespaces = {{"a:", 0, 100, std::nullopt, 1}}})
        == (grouped ? errc::none : errc::unsupported));
}

PROVIDER_CASE("a value is not copied where there are no joint turns",
              "[abilities][G8]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  auto other = open_plain(f);
  REQUIRE(f.uut->set("k", "1"));
  CHECK(lacking(f.uut->copy("k", *other, "k"), *other));
  CHECK(lacking(other->copy("k", *f.uut, "new"), *other));
  CHECK(f.get("k") == "1");
  CHECK(f.uut->contains("new") == false);
  other->stop();
}

// -- walks -------------------------------------------------------------------------

PROVIDER_CASE("a walk meets all keys and no others", "[abilities][scan]") {
  fixture f{kind};
  if (f.uut->provider().scans() == nullptr)
    return;
  CHECK(walk(*f.uut).empty());
  for (int i = 0; i < 500; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  REQUIRE(f.uut->set("expired", "x", {.ttl = f.units(1)}));
  REQUIRE(f.uut->set("tagged", "x", tagged({"red"})));
  REQUIRE(f.uut->set("erased", "x"));
  f.advance(f.units(1));
  REQUIRE(f.uut->invalidate_tag("red"));
  REQUIRE(f.uut->erase("erased"));
  const auto seen = walk(*f.uut);
  CHECK(seen.size() == 500);
  CHECK(seen.contains("0"));
  CHECK(seen.contains("499"));
  REQUIRE(f.uut->clear());
  CHECK(walk(*f.uut).empty());
}

PROVIDER_CASE(
  "a walk meets what is there all the time, whatever else comes and goes",
  "[abilities][scan]") {
  fixture f{kind};
  if (f.uut->provider().scans() == nullptr)
    return;
  for (int i = 0; i < 300; ++i)
    REQUIRE(f.uut->set("stays" + std::to_string(i), "x"));
  busy_crew others{2, [&](unsigned t) {
                     return [&, t, i = 0]() mutable {
                       const auto key
                         = std::to_string(t) + std::to_string(i++ % 3'000);
                       static_cast<void>(i % 2 == 0 ? f.uut->set(key, "x")
                                                    : f.uut->erase(key));
                     };
                   }};
  for (int round = 0; round < 10; ++round) {
    const auto seen = walk(*f.uut);
    int met = 0;
    for (int i = 0; i < 300; ++i)
      met += seen.contains("stays" + std::to_string(i)) ? 1 : 0;
    CHECK(met == 300);
  }
}

PROVIDER_CASE("any number is a cursor and leads to the end",
              "[abilities][scan]") {
  fixture f{kind};
  if (f.uut->provider().scans() == nullptr)
    return;
  for (int i = 0; i < 100; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  for (int bits = 1; bits <= 64; ++bits) {
    auto next = ~scan_cursor{0} >> (64 - bits);
    int steps = 0;
    do
      next = f.uut->scan(next, [](bytes_view, const entry_view&) {}).value();
    while (next != 0 && ++steps < 1'000);
    CHECK(next == 0);
  }
}

PROVIDER_CASE("a random key is a live one, and each may be it",
              "[abilities][scan]") {
  fixture f{kind};
  if (f.uut->provider().scans() == nullptr)
    return;
  std::minstd_rand random{5};
  CHECK(f.uut->random_key(random).value() == std::nullopt);
  REQUIRE(f.uut->set("expired", "x", {.ttl = f.units(1)}));
  f.advance(f.units(1));
  CHECK(f.uut->random_key(random).value() == std::nullopt);
  for (int i = 0; i < 5; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  std::map<bytes, int> drawn;
  for (int i = 0; i < 500; ++i)
    ++drawn[f.uut->random_key(random).value().value()];
  CHECK(drawn.size() == 5);
  CHECK_FALSE(drawn.contains("expired"));
}

// -- exact bytes -------------------------------------------------------------------

PROVIDER_CASE("a key is explained by its state and its events",
              "[abilities][events]") {
  fixture f{kind};
  if (f.uut->provider().explains() == nullptr)
    return;
  REQUIRE(f.uut->set("k", "v"));
  auto found = f.uut->explain("k").value();
  CHECK(found.is == explanation::state::present);
  CHECK(found.value_size == 1);
  REQUIRE(f.uut->erase("k"));
  found = f.uut->explain("k").value();
  CHECK(found.is == explanation::state::missing);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == key_event_kind::erased);
}

PROVIDER_CASE("each entry is charged for key and value at least",
              "[abilities][G6]") {
  fixture f{kind};
  if (f.uut->provider().charges() == nullptr)
    return;
  CHECK(f.uut->charge("k").value() == std::nullopt);
  std::size_t last = 0;
  for (std::size_t size : {0U, 10U, 1'000U, 100'000U, 3'000'000U}) {
    REQUIRE(f.uut->set("k", std::string(size, 'v'), {.idle = 1h}));
    const auto before = look_at(*f.uut, "k");
    const auto charged = f.uut->charge("k").value().value();
    CHECK(charged >= size + 1);
    CHECK(charged >= last);
    CHECK(look_at(*f.uut, "k") == before); // No use of it.
    last = charged;
  }
  REQUIRE(f.uut->erase("k"));
  CHECK(f.uut->charge("k").value() == std::nullopt);
}

// -- joint turns -------------------------------------------------------------------

PROVIDER_CASE("a watched key has changed or not", "[abilities][joint turns]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  auto& x = *f.uut;
  for (auto present : {false, true}) {
    REQUIRE(x.clear());
    auto begin = [&] {
      if (present)
        REQUIRE(x.set("k", "1"));
      else
        static_cast<void>(x.erase("k"));
      return x.watch("k").value();
    };
    auto seen = begin();
    CHECK(x.unchanged("k", seen) == true);
    REQUIRE(x.get("k"));
    REQUIRE(x.set("other", "1"));
    REQUIRE(x.touch("absent", 1h) == false);
    CHECK(x.unchanged("k", seen) == true);
    REQUIRE(x.set("k", "1"));
    CHECK(x.unchanged("k", seen) == false);
    seen = begin();
    REQUIRE(x.set("k", "2"));
    REQUIRE(x.erase("k"));
    // However it looks now.
    CHECK(x.unchanged("k", seen) == false);
  }
}

PROVIDER_CASE("a renamed entry keeps what it has", "[abilities][joint turns]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  auto& x = *f.uut;
  write_options how;
  how.ttl = 1h;
  how.idle = 30min;
  how.tags = {"red"};
  const auto written = f.during([&] { REQUIRE(x.set("a", "value", how)); });
  CHECK(x.rename("none", "b") == transfer_result::absent);
  CHECK(x.rename("a", "b") == transfer_result::done);
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "value");
  CHECK(f.falls(look_at(x, "b")->ttl_end, written, 1h));
  CHECK(look_at(x, "b")->idle == 30min);
  REQUIRE(x.set("c", "other"));
  CHECK(x.rename("b", "c", true) == transfer_result::exists);
  CHECK(f.get("b") == "value");
  CHECK(f.get("c") == "other");
  CHECK(x.rename("b", "c") == transfer_result::done);
  CHECK(f.get("c") == "value");
  REQUIRE(x.invalidate_tag("red"));
  CHECK(f.get("c") == "<none>");
}

PROVIDER_CASE("a copied entry is there twice", "[abilities][joint turns]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  auto& x = *f.uut;
  const auto size = GENERATE(std::size_t{5}, std::size_t{1'000'000});
  const std::string value(size, 'v');
  const auto written
    = f.during([&] { REQUIRE(x.set("a", value, {.ttl = 1h})); });
  CHECK(x.copy("none", x, "b") == transfer_result::absent);
  CHECK(x.copy("a", x, "b") == transfer_result::done);
  CHECK(f.get("a") == value);
  CHECK(f.get("b") == value);
  CHECK(f.ends("b", written, 1h));
  CHECK(x.copy("a", x, "b", true) == transfer_result::exists);
  REQUIRE(x.set("a", "new"));
  CHECK(f.get("b") == value);
  auto other = open_beside(f, "other");
  REQUIRE(other);
  CHECK(x.copy("b", **other, "c") == transfer_result::done);
  REQUIRE(x.erase("b"));
  CHECK((*other)->get("c") == value);
  (*other)->stop();
}

PROVIDER_CASE("a load in flight is not stored over a renamed entry",
              "[abilities][joint turns][G3]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  const auto copies = GENERATE(false, true);
  slow_load first{f};
  first.begin();
  REQUIRE(f.uut->set("a", "renamed"));
  CHECK((copies ? f.uut->copy("a", *f.uut, "k") : f.uut->rename("a", "k"))
        == transfer_result::done);
  CHECK(first.value() == "old");
  await_no_load(f);
  CHECK(f.get("k") == "renamed");
}

PROVIDER_CASE("nothing that is moved about is lost or doubled",
              "[abilities][joint turns][G1]") {
  fixture f{kind};
  if (f.uut->provider().joint_turns() == nullptr)
    return;
  REQUIRE(f.uut->set("0", "the one"));
  const int rounds = kind.rounds(2'000);
  crew(3, [&](int t) {
    for (int i = 0; i < rounds; ++i)
      static_cast<void>(f.uut->rename(std::to_string((i + t) % 5),
                                      std::to_string((i * 3 + t + 1) % 5)));
  });
  int found = 0;
  for (int i = 0; i < 5; ++i)
    found += f.get(std::to_string(i)) == "the one" ? 1 : 0;
  CHECK(found == 1);
}
