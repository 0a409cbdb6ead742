#pragma once

#include <optional>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/cache.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/messages/caf/inspect_codec.hpp>
#include <troupe/messages/types/clock.hpp>

#include "actors/fixture.hpp"
#include "conformance/provider_case.hpp"

namespace conformance::typed {

/// A type with fields, as users have it.
struct profile {
  std::string name;
  int visits = 0;

  friend bool operator==(const profile&, const profile&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, profile& x) {
  return f(x.name, x.visits);
}

/// A runtime with caches on a provider of the suite.
struct fixture {
  explicit fixture(const provider_kind& with) : kind(with) {
    troupe::runtime_options options;
    options.time = kind.exact_tick ? &time : &troupe::clock::steady();
    uut.emplace(system, options);
  }

  ~fixture() {
    if (kind.validate != nullptr)
      for (auto& x : opened)
        kind.validate(*x);
  }

  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  template <class V>
  troupe::cache<V> open(const std::string& name = "profiles",
                        troupe::region_options options = {}) {
    options.provider = kind.factory();
    // A busy machine is no reason to give up.
    options.op_timeout = longest_wait;
    auto result = uut->open<V>(name, options);
    REQUIRE(result);
    opened.push_back(result->bytes_region());
    return *result;
  }

  /// Lets at least so much time pass.
  void advance(std::chrono::nanoseconds step) {
    if (kind.exact_tick)
      time.advance(step);
    else
      std::this_thread::sleep_for(step);
  }

  /// The reply to a message, or its error as one of ours.
  template <class Reply, class Handle, class Request>
  troupe::expected<Reply> ask(const Handle& whom, Request request) {
    return ::ask<Reply>(self, whom, std::move(request));
  }

  const provider_kind kind;
  small_config cfg;
  caf::actor_system system{cfg};
  troupe::manual_clock time;
  std::optional<troupe::runtime> uut;
  std::vector<std::shared_ptr<troupe::region>> opened;
  caf::scoped_actor self{system, true};
};

} // namespace conformance::typed
