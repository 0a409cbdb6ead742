#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/config.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/clock.hpp>

#include "catch.hpp"
#include "progress.hpp"
#include "region_shards.hpp"

/// The reply to a message, or its error as one of ours.
template <class Reply, class Handle, class Request>
troupe::expected<Reply> ask(caf::scoped_actor& self, const Handle& whom,
                            Request request,
                            caf::duration patience = caf::infinite) {
  auto result = troupe::expected<Reply>{tl::unexpect, troupe::errc::none};
  auto on_error = [&](const caf::error& e) {
    result = tl::unexpected{troupe::from_caf(e)};
  };
  auto pending = self->request(whom, patience, std::move(request));
  if constexpr (std::is_void_v<Reply>)
    pending.receive([&] { result = {}; }, on_error);
  else
    pending.receive([&](Reply& x) { result = std::move(x); }, on_error);
  return result;
}

/// The value under a key, or "<none>".
inline std::string value_of(const troupe::region& where, std::string_view key) {
  auto value = where.get(key);
  REQUIRE(value);
  return value->value_or("<none>");
}

/// Counts what went wrong on threads of a test: Catch2's own macros are for one
/// thread.
class verdict {
public:
  void operator()(bool fine) noexcept {
    if (!fine)
      ++wrong_;
  }

  ~verdict() {
    CHECK(wrong_ == 0);
  }

private:
  std::atomic<int> wrong_{0};
};

/// A configuration of a small system.
struct small_config : troupe::config {
  explicit small_config(const std::string& policy = "stealing",
                        bool remote = false) {
    set("scheduler.policy", caf::atom_from_string(policy));
    set("scheduler.max-threads", std::size_t{2});
    if (remote)
      enable_remote();
  }
};

/// A runtime with few shards, on a clock that the test owns.
struct runtime_fixture {
  explicit runtime_fixture(troupe::runtime_options options = {},
                           const std::string& policy = "stealing",
                           bool remote = false)
    : cfg(policy, remote) {
    options.time = &time;
    if (options.shards == 0)
      options.shards = 4;
    uut.emplace(system, options);
  }

  // Every test ends with a look at the tables' structure.
  ~runtime_fixture() {
    for (auto& x : opened)
      CHECK(broken_table(*x) == "");
  }

  /// Opens a region at the level of bytes and validates it in the end.
  std::shared_ptr<troupe::region> open(const std::string& name = "db0") {
    auto result = uut->open_region(name);
    REQUIRE(result);
    opened.push_back(*result);
    return *result;
  }

  /// The reply to a message, or its error as one of ours.
  template <class Reply, class Handle, class Request>
  troupe::expected<Reply> ask(const Handle& whom, Request request,
                              caf::duration patience = caf::infinite) {
    return ::ask<Reply>(self, whom, std::move(request), patience);
  }

  /// The row of one actor in the supervisor's list.
  troupe::actor_info row(const std::string& name) {
    auto list = ask<troupe::actor_list>(uut->supervisor(),
                                        troupe::list_actors_request{name});
    REQUIRE(list);
    REQUIRE_FALSE(list->actors.empty());
    REQUIRE(list->actors[0].name == name);
    return list->actors[0];
  }

  /// Kills an actor and waits until the supervisor has dealt with that.
  void kill(const std::string& name) {
    auto before = row(name).restarts;
    REQUIRE(ask<void>(uut->supervisor(), troupe::kill_request{name}));
    eventually([&] {
      auto now = row(name);
      return now.restarts > before || now.state == "failed";
    });
  }

  small_config cfg;
  caf::actor_system system{cfg};
  troupe::manual_clock time;
  std::optional<troupe::runtime> uut;
  std::vector<std::shared_ptr<troupe::region>> opened;
  caf::scoped_actor self{system, true};
};
