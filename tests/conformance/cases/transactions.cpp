// Changes of several keys as one step, and reads that see each of them as a whole.

#include <troupe/actors/regions/transaction.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Whether the provider has what these tests are about; the others refuse it.
bool has_transactions(fixture& f) {
  if (f.uut->provider().joint_turns() != nullptr)
    return true;
  transaction uut;
  uut.set(*f.uut, "a", "1").erase(*f.uut, "b");
  CHECK(code_of(uut.commit()) == errc::unsupported);
  const std::array keys{region_key{f.uut.get(), "a"}};
  CHECK(code_of(read_together(keys)) == errc::unsupported);
  CHECK(f.get("a") == "<none>");
  return false;
}

version_number version_of(region& where, const std::string& key) {
  const std::array keys{region_key{&where, key}};
  const auto found = read_together(keys).value();
  return found[0] ? found[0]->version : no_version;
}

int number_of(const std::optional<entry_copy>& x) {
  return x ? std::stoi(x->value) : 0;
}

} // namespace

PROVIDER_CASE("a transaction takes its steps in their order",
              "[transactions][G1]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  auto other = open_beside(f, "other").value();
  REQUIRE(f.uut->set("gone", "x"));
  REQUIRE(f.uut->set("kept", "x"));
  transaction uut;
  CHECK(uut.empty());
  CHECK(uut.commit() == true);
  uut.set(*f.uut, "a", "1").set(*other, "b", "2").erase(*f.uut, "gone");
  uut.set(*f.uut, "twice", "first").set(*f.uut, "twice", "second");
  uut.set(*f.uut, "brief", "x").erase(*f.uut, "brief");
  const auto touched
    = f.during([&] { CHECK(uut.touch(*f.uut, "kept", 1h).commit() == true); });
  CHECK(f.get("a") == "1");
  CHECK(other->get("b").value() == "2");
  CHECK(f.get("gone") == "<none>");
  CHECK(f.get("twice") == "second");
  CHECK(f.get("brief") == "<none>");
  CHECK(f.ends("kept", touched, 1h));
  // It may be taken again.
  REQUIRE(other->erase("b"));
  CHECK(uut.commit() == true);
  CHECK(other->get("b").value() == "2");
  other->stop();
}

PROVIDER_CASE("a transaction whose requirement is not met changes nothing",
              "[transactions][G10]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  REQUIRE(f.uut->set("seen", "1"));
  const auto seen = version_of(*f.uut, "seen");
  REQUIRE(seen != no_version);
  transaction uut;
  uut.require(*f.uut, "seen", seen).require(*f.uut, "absent", no_version);
  uut.set(*f.uut, "seen", "2").set(*f.uut, "other", "2");
  CHECK(uut.commit() == true);
  CHECK(f.get("seen") == "2");
  CHECK(f.get("other") == "2");

  REQUIRE(f.uut->erase("other"));
  CHECK(uut.commit() == false); // "seen" has another version now.
  CHECK(f.get("seen") == "2");
  CHECK(f.get("other") == "<none>");

  REQUIRE(f.uut->set("absent", "x"));
  transaction appeared;
  appeared.require(*f.uut, "absent", no_version).erase(*f.uut, "seen");
  CHECK(appeared.commit() == false);
  CHECK(f.get("seen") == "2");
  REQUIRE(f.uut->erase("absent"));
  CHECK(appeared.commit() == true);
  CHECK(f.get("seen") == "<none>");
}

PROVIDER_CASE("a transaction without room changes nothing",
              "[transactions][limits][G10]") {
  fixture f{kind};
  if (!has_transactions(f) || f.uut->provider().limits() == nullptr)
    return;
  REQUIRE(f.uut->set_limits(0, 4));
  REQUIRE(f.uut->set_eviction(eviction_policy::none));
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("b", "1"));
  transaction uut;
  uut.set(*f.uut, "b", "2").set(*f.uut, "c", "2").set(*f.uut, "d", "2");
  uut.set(*f.uut, "e", "2");
  CHECK(code_of(uut.commit()) == errc::limit_reached);
  CHECK(f.get("a") == "1");
  CHECK(f.get("b") == "1");
  CHECK(f.uut->size() == 2);
  transaction fits;
  fits.set(*f.uut, "b", "2").set(*f.uut, "c", "2").set(*f.uut, "d", "2");
  CHECK(fits.commit() == true);
  CHECK(f.uut->size() == 4);
}

PROVIDER_CASE("a step that cannot be taken is the error of the transaction",
              "[transactions][G10]") {
  region_options small;
  small.max_key_size = 4;
  small.max_value_size = 4;
  fixture f{kind, small};
  if (!has_transactions(f))
    return;
  const auto code = [&](auto add) {
    transaction uut;
    uut.set(*f.uut, "a", "1");
    add(uut);
    CHECK_FALSE(uut.empty());
    return code_of(uut.commit());
  };
  CHECK(code([&](transaction& x) { x.set(*f.uut, "12345", "1"); })
        == errc::key_too_large);
  CHECK(code([&](transaction& x) { x.erase(*f.uut, "12345"); })
        == errc::key_too_large);
  CHECK(code([&](transaction& x) { x.require(*f.uut, "12345", no_version); })
        == errc::key_too_large);
  CHECK(code([&](transaction& x) { x.set(*f.uut, "b", "12345"); })
        == errc::value_too_large);
  CHECK(code([&](transaction& x) {
          x.set(*f.uut, "b", "1", {.condition = write_condition::if_absent});
        })
        == errc::invalid_argument);
  CHECK(code([&](transaction& x) { x.touch(*f.uut, "b", -1s); })
        == errc::invalid_argument);
  const std::array keys{region_key{f.uut.get(), "12345"}};
  CHECK(code_of(read_together(keys)) == errc::key_too_large);
  CHECK(f.get("a") == "<none>");
  f.uut->stop();
  CHECK(code([](transaction&) {}) == errc::shutting_down);
  const std::array fine{region_key{f.uut.get(), "a"}};
  CHECK(code_of(read_together(fine)) == errc::shutting_down);
}

PROVIDER_CASE("a load in flight is not stored over a transaction",
              "[transactions][G3]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  const auto erases = GENERATE(false, true);
  slow_load first{f};
  first.begin();
  transaction uut;
  uut.set(*f.uut, "other", "new");
  if (erases)
    uut.erase(*f.uut, "k");
  else
    uut.set(*f.uut, "k", "new");
  CHECK(uut.commit() == true);
  CHECK(first.value() == "old");
  await_no_load(f);
  CHECK(f.get("k") == (erases ? "<none>" : "new"));
}

PROVIDER_CASE("a transaction cannot begin inside of a change",
              "[transactions][G10]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  auto changing = errc::none;
  auto reading = errc::none;
  REQUIRE(f.uut->transform("a", [&](const entry_view*) -> expected<edit> {
    transaction uut;
    uut.set(*f.uut, "b", "1");
    changing = code_of(uut.commit());
    const std::array keys{region_key{f.uut.get(), "b"}};
    reading = code_of(read_together(keys));
    return edit::keep();
  }));
  CHECK(changing == errc::invalid_argument);
  CHECK(reading == errc::invalid_argument);
  CHECK(f.get("b") == "<none>");
}

PROVIDER_CASE("readers of several keys see each transaction as a whole",
              "[transactions][G1]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  auto other = open_beside(f, "other").value();
  constexpr int accounts = 6;
  constexpr int each = 100;
  // Accounts lie in two regions by turns.
  const auto place = [&](int i) -> region& { return i % 2 ? *other : *f.uut; };
  const auto name = [](int i) { return "account-" + std::to_string(i); };
  for (int i = 0; i < accounts; ++i)
    REQUIRE(place(i).set(name(i), std::to_string(each)));

  std::atomic<int> wrong{0};
  std::atomic<int> moved{0};
  std::atomic<bool> done{false};
  const auto read = [&] {
    std::vector<std::string> names;
    std::vector<region_key> keys;
    for (int i = 0; i < accounts; ++i)
      names.push_back(name(i));
    for (int i = 0; i < accounts; ++i)
      keys.push_back({&place(i), names[static_cast<std::size_t>(i)]});
    return read_together(keys).value();
  };
  std::thread reader{[&] {
    while (!done) {
      int sum = 0;
      for (const auto& x : read())
        sum += number_of(x);
      wrong += sum == accounts * each ? 0 : 1;
    }
  }};
  const int rounds = kind.rounds(2'000);
  crew(3, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      const auto from = (i + t) % accounts;
      const auto to = (i * 5 + t * 3 + 1) % accounts;
      if (from == to)
        continue;
      const auto seen = read();
      const auto& giver = seen[static_cast<std::size_t>(from)];
      const auto& taker = seen[static_cast<std::size_t>(to)];
      transaction move;
      move.require(place(from), name(from), giver->version);
      move.require(place(to), name(to), taker->version);
      move.set(place(from), name(from), std::to_string(number_of(giver) - 1));
      move.set(place(to), name(to), std::to_string(number_of(taker) + 1));
      moved += *move.commit() ? 1 : 0;
    }
  });
  done = true;
  reader.join();
  CHECK(wrong == 0);
  CHECK(moved > 0);
  int sum = 0;
  for (const auto& x : read())
    sum += number_of(x);
  CHECK(sum == accounts * each);
  other->stop();
}

PROVIDER_CASE("readers of several keys see a renamed key exactly once",
              "[transactions][G1]") {
  fixture f{kind};
  if (!has_transactions(f))
    return;
  REQUIRE(f.uut->set("a", "the one"));
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread reader{[&] {
    const std::array<bytes_view, 2> keys{"a", "b"};
    while (!done) {
      std::array<bool, 2> found{};
      if (!f.uut->visit_together(keys, [&](std::size_t i, const entry_view* x) {
            found[i] = x != nullptr;
          }))
        ++wrong;
      wrong += found[0] != found[1] ? 0 : 1;
    }
  }};
  const int rounds = kind.rounds(5'000);
  for (int i = 0; i < rounds; ++i) {
    REQUIRE(f.uut->rename("a", "b"));
    REQUIRE(f.uut->rename("b", "a"));
  }
  done = true;
  reader.join();
  CHECK(wrong == 0);
}
