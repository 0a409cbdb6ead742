#include <troupe/actors/cache.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <troupe/messages/caf/inspect_codec.hpp>

#include "actors/fixture.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct profile {
  std::string name;
  int visits = 0;

  friend bool operator==(const profile&, const profile&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, profile& x) {
  return f(x.name, x.visits);
}

/// A value whose codec fails on demand.
struct fragile {
  int x = 0;
};

/// A value that cannot be copied.
struct unique {
  std::unique_ptr<int> x;
};

struct fixture : runtime_fixture {
  template <class V>
  cache<V> open(const std::string& name = "profiles") {
    auto result = uut->open<V>(name);
    REQUIRE(result);
    opened.push_back(result->bytes_region());
    return *result;
  }
};

} // namespace

template <>
struct troupe::codec<fragile> {
  static expected<void> encode(const fragile& x, bytes& out) {
    if (x.x == 1)
      throw std::runtime_error("cannot write");
    if (x.x == 2)
      return fail(errc::encode_failed, "will not write");
    out = std::to_string(x.x);
    return {};
  }

  static expected<fragile> decode(bytes_view in) {
    if (in == "3")
      throw std::runtime_error("cannot read");
    return fragile{static_cast<int>(in.size())};
  }
};

template <>
struct troupe::codec<unique> {
  static expected<void> encode(const unique& x, bytes& out) {
    out = std::to_string(*x.x);
    return {};
  }

  static expected<unique> decode(bytes_view in) {
    return unique{std::make_unique<int>(std::stoi(std::string{in}))};
  }
};

TEST_CASE("a cache stores, reads and erases values") {
  fixture f;
  auto uut = f.open<profile>();
  CHECK(uut.get("42").absent());
  CHECK(uut.contains("42") == false);
  CHECK(uut.set("42", {"Ada", 1}) == true);
  CHECK(*uut.get("42") == profile{"Ada", 1});
  CHECK(uut.contains("42") == true);
  CHECK(*uut.ttl("42") == no_expiry);
  CHECK(uut.touch("42", 1s) == true);
  CHECK(*uut.ttl("42") == 1s);
  CHECK(uut.set_if_absent("42", {"Bob", 2}) == false);
  f.time.advance(1s);
  CHECK(uut.get("42").absent());
  CHECK(uut.set_if_absent("42", {"Bob", 2}) == true);
  CHECK(uut.erase("42") == true);
  CHECK(uut.erase("42") == false);
  REQUIRE(uut.set("1", {}));
  CHECK(uut.clear());
  CHECK(uut.contains("1") == false);
  CHECK(uut.name() == "profiles");
}

TEST_CASE("a cache stores batches, forgets by tag and takes limits") {
  fixture f;
  auto uut = f.open<profile>();
  std::vector<std::pair<std::string, profile>> items{{"1", {"Ann", 1}},
                                                     {"2", {"Bob", 2}}};
  write_options how;
  how.tags = {"people"};
  CHECK(uut.set_many(items, how));
  CHECK(uut.get("2").value().name == "Bob");
  CHECK(uut.invalidate_tag("people"));
  CHECK(uut.contains("1") == false);
  CHECK(uut.set_limits(1 << 20, 1));
  CHECK(uut.set_many(items));
}

TEST_CASE("a cache has the namespaces of its region") {
  fixture f;
  region_options options;
  options.namespaces = {{"eu:", 0, 100, std::nullopt, 1}};
  auto opened = f.uut->open<profile>("spaced", options);
  REQUIRE(opened);
  f.opened.push_back(opened->bytes_region());
  auto uut = *opened;
  CHECK(uut.set("eu:1", {"Ann", 1}));
  CHECK(uut.set("us:1", {"Bob", 2}));
  REQUIRE(uut.namespaces().size() == 1);
  CHECK(uut.namespaces()[0].keys == 1);
  CHECK(uut.set_namespace_limits("eu:", 1 << 20, 7));
  CHECK(uut.namespaces()[0].max_entries == 7);
  CHECK(uut.clear_namespace("eu:"));
  CHECK(uut.contains("eu:1") == false);
  CHECK(uut.contains("us:1") == true);
}

TEST_CASE("write options reach the shard") {
  fixture f;
  auto uut = f.open<profile>();
  write_options how;
  how.ttl = 5s;
  how.condition = write_condition::if_present;
  CHECK(uut.set("k", {}, how) == false);
  how.condition = write_condition::always;
  CHECK(uut.set("k", {}, how) == true);
  CHECK(*uut.ttl("k") == 5s);
  how.idle = 2s;
  CHECK(uut.set("k", {}, how) == true);
  CHECK(*uut.ttl("k") == 2s);
  f.time.advance(1s);
  CHECK(uut.get("k"));
  CHECK(*uut.ttl("k") >= 2s);
  how.idle = 0s;
  CHECK(uut.set("k", {}, how).error() == errc::invalid_argument);
  how.idle = std::nullopt;
  how.ttl = -1s;
  CHECK(uut.set("k", {}, how).error() == errc::invalid_argument);
}

TEST_CASE("a cache reads many values at once") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("a", {"Ada", 1}));
  REQUIRE(uut.set("c", {"Cyd", 3}));
  auto got = uut.get_many(std::vector<std::string>{"a", "b", "c"});
  REQUIRE(got);
  CHECK((*got)[0] == profile{"Ada", 1});
  CHECK_FALSE((*got)[1]);
  CHECK((*got)[2] == profile{"Cyd", 3});
  CHECK(uut.get_many(std::array<const char*, 1>{"a"})->size() == 1);
  CHECK(uut.get_many(std::vector<bytes_view>{})->empty());
}

TEST_CASE("a cache loads what is missing, once") {
  fixture f;
  auto uut = f.open<profile>();
  int runs = 0;
  auto loader = [&](load_context& context) {
    ++runs;
    return profile{context.key(), 0};
  };
  CHECK(*uut.get_or_set("42", loader) == profile{"42", 0});
  CHECK(*uut.get_or_set("42", loader) == profile{"42", 0});
  CHECK(runs == 1);
}

TEST_CASE("loaders come in several shapes") {
  fixture f;
  auto uut = f.open<profile>();
  CHECK(uut.get_or_set("a",
                       [] {
                         return profile{"plain", 0};
                       })
          ->name
        == "plain");
  CHECK(uut
          .get_or_set("b",
                      [](load_context&) -> expected<profile> {
                        return profile{"expected", 0};
                      })
          ->name
        == "expected");
  CHECK(uut
          .get_or_set("c",
                      [](load_context&) -> expected<profile> {
                        return fail(errc::load_failed, "no row");
                      })
          .error()
        == errc::load_failed);
  CHECK(uut
          .get_or_set("d",
                      [](load_context&) -> profile {
                        throw std::runtime_error("no database");
                      })
          .error()
        == errc::load_failed);
  // One that cannot be copied.
  auto owner = std::make_unique<std::string>("owned");
  CHECK(uut
          .get_or_set("e",
                      [owner = std::move(owner)] {
                        return profile{*owner, 0};
                      })
          ->name
        == "owned");
  CHECK(uut
          .get_or_set("f",
                      [](load_context& context) {
                        context.ttl(7s);
                        return profile{};
                      })
          .has_value());
  CHECK(*uut.ttl("f") == 7s);
  CHECK(uut
          .get_or_set("g",
                      [](load_context& context) {
                        context.idle(3s);
                        return profile{};
                      })
          .has_value());
  CHECK(*uut.ttl("g") == 3s);
}

TEST_CASE("a cache updates what is there and what is not") {
  fixture f;
  auto uut = f.open<profile>();
  auto visit = [](std::optional<profile> old) {
    auto x = old.value_or(profile{"new", 0});
    ++x.visits;
    return x;
  };
  CHECK(*uut.update("42", visit) == profile{"new", 1});
  CHECK(*uut.update("42", visit) == profile{"new", 2});
  CHECK(*uut.get("42") == profile{"new", 2});
}

TEST_CASE("update functions come in several shapes") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("k", {"x", 1}));
  auto erased = uut.update(
    "k", [](std::optional<profile>) -> std::optional<profile> { return {}; });
  CHECK(erased.absent());
  CHECK(uut.contains("k") == false);
  CHECK(uut
          .update("k",
                  [](std::optional<profile>) -> expected<profile> {
                    return profile{"made", 0};
                  })
          ->name
        == "made");
  CHECK(uut
          .update("k",
                  [](std::optional<profile>) -> expected<profile> {
                    return fail(errc::update_failed, "no");
                  })
          .error()
        == errc::update_failed);
  CHECK(
    uut
      .update("k",
              [](std::optional<profile>) -> expected<std::optional<profile>> {
                return std::optional<profile>{};
              })
      .absent());
  CHECK(uut.contains("k") == false);
  CHECK(uut
          .update("k",
                  [](std::optional<profile>) -> profile {
                    throw std::runtime_error("no");
                  })
          .error()
        == errc::update_failed);
}

TEST_CASE("no update of a cache is lost") {
  fixture f;
  auto uut = f.open<profile>();
  constexpr int threads = 4;
  constexpr int rounds = 500;
  {
    verdict check;
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&] {
        for (int n = 0; n < rounds; ++n) {
          auto updated = uut.update("k", [](std::optional<profile> old) {
            auto x = old.value_or(profile{});
            ++x.visits;
            return x;
          });
          check(updated.has_value());
        }
      });
  }
  CHECK(uut.get("k")->visits == threads * rounds);
}

TEST_CASE("integers are counted, as text or as numbers") {
  fixture f;
  auto numbers = f.open<std::int64_t>("numbers");
  CHECK(numbers.increment("n") == 1);
  CHECK(numbers.increment("n", 41) == 42);
  CHECK(*numbers.get("n") == 42);
  REQUIRE(numbers.set("n", -1));
  CHECK(numbers.increment("n") == 0);
  auto texts = f.open<std::string>("texts");
  REQUIRE(texts.set("n", "7"));
  CHECK(texts.increment("n") == 8);
  CHECK(*texts.get("n") == "8");
  REQUIRE(texts.set("n", "seven"));
  CHECK(texts.increment("n").error() == errc::not_an_integer);
  CHECK(texts.increment_async("m").get() == 1);
}

TEST_CASE("everything goes without waiting, too") {
  fixture f;
  auto uut = f.open<profile>();
  CHECK(uut.set_async("a", {"Ada", 1}).get() == true);
  CHECK(uut.set_if_absent_async("a", {"Bob", 1}).get() == false);
  auto read = uut.get_async("a");
  CHECK(read.wait_for(0s) == std::future_status::ready);
  CHECK(*read.get() == profile{"Ada", 1});
  CHECK(uut.get_many_async(std::vector<std::string>{"a", "b"}).get()->size()
        == 2);
  CHECK(uut.contains_async("a").get() == true);
  CHECK(uut.touch_async("a", 3s).get() == true);
  CHECK(*uut.ttl_async("a").get() == 3s);
  CHECK(uut.get_or_set_async("c",
                             [] {
                               return profile{"Cyd", 0};
                             })
          .get()
          ->name
        == "Cyd");
  auto updated = uut.update_async("c", [](std::optional<profile> old) {
    ++old->visits;
    return *old;
  });
  CHECK(*updated.get() == profile{"Cyd", 1});
  CHECK(uut
          .update_async("c",
                        [](std::optional<profile>) -> profile {
                          throw std::runtime_error("no");
                        })
          .get()
          .error()
        == errc::update_failed);
  CHECK(uut.erase_async("a").get() == true);
  CHECK(uut.clear_async().get());
  CHECK(uut.contains("c") == false);
}

TEST_CASE("a codec that fails or throws is an error of the call") {
  fixture f;
  auto uut = f.open<fragile>();
  for (int bad : {1, 2}) {
    CHECK(uut.set("k", {bad}).error() == errc::encode_failed);
    CHECK(uut.set_async("k", {bad}).get().error() == errc::encode_failed);
    CHECK(uut.get_or_set("k", [=] { return fragile{bad}; }).error()
          == errc::encode_failed);
    CHECK(uut.get_or_set_async("k", [=] { return fragile{bad}; }).get().error()
          == errc::encode_failed);
    auto f2 = [=](std::optional<fragile>) { return fragile{bad}; };
    CHECK(uut.update("k", f2).error() == errc::encode_failed);
    CHECK(uut.update_async("k", f2).get().error() == errc::encode_failed);
  }
  CHECK(uut.contains("k") == false);
  REQUIRE(uut.set("k", {3}));
  CHECK(uut.get("k").error() == errc::decode_failed);
  CHECK(uut.get_many(std::array{"k"})->front().error() == errc::decode_failed);
  // The shard is none the worse for it.
  CHECK(uut.erase("k") == true);
}

TEST_CASE("bytes that are no value of the type are an error") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.bytes_region()->set("k", "rubbish"));
  CHECK(uut.get("k").error() == errc::decode_failed);
}

TEST_CASE("values need not be copyable") {
  fixture f;
  auto uut = f.open<unique>();
  REQUIRE(uut.set("k", {std::make_unique<int>(7)}));
  CHECK(*uut.get("k")->x == 7);
  CHECK(*uut.get_or_set("m", [] { return unique{std::make_unique<int>(8)}; })->x
        == 8);
  auto updated = uut.update("k", [](std::optional<unique> old) {
    ++*old->x;
    return std::move(*old);
  });
  CHECK(*updated->x == 8);
}

TEST_CASE("every read of a cache is an instance of its own") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("k", {"Ada", 1}));
  auto first = *uut.get("k");
  first.visits = 99;
  CHECK(uut.get("k")->visits == 1);
}

TEST_CASE("a cache is also an actor") {
  fixture f;
  auto uut = f.open<profile>();
  REQUIRE(uut.set("k", {"Ada", 1}));
  auto reply = f.ask<get_reply>(uut.actor(), get_request{"k"});
  REQUIRE(reply);
  CHECK(decode<profile>(reply->value)->name == "Ada");
  auto encoded = encode(profile{"Bob", 2});
  CHECK(f.ask<bool>(uut.actor(), set_request{"k", *encoded, {}}) == true);
  CHECK(uut.get("k")->name == "Bob");
}

TEST_CASE("a cache may outlive its runtime") {
  std::optional<cache<profile>> uut;
  {
    small_config cfg;
    caf::actor_system system{cfg};
    runtime all{system};
    uut = *all.open<profile>("profiles");
    REQUIRE(uut->set("k", {"Ada", 1}));
  }
  CHECK(uut->set("k", {}).error() == errc::shutting_down);
  CHECK(uut->erase_async("k").get().error() == errc::shutting_down);
  CHECK(uut->get_or_set("new", [] { return profile{}; }).error()
        == errc::shutting_down);
  CHECK(uut->get_or_set_async("new", [] { return profile{}; }).get().error()
        == errc::shutting_down);
  CHECK(uut->update_async("k", [](std::optional<profile> x) { return *x; })
          .get()
          .error()
        == errc::shutting_down);
  CHECK_FALSE(uut->actor());
  CHECK(uut->get("k").error() == errc::shutting_down);
}
