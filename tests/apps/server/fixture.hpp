#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/actors/regions/detail/region_metrics.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/actors/topics/topic_metrics.hpp>

#include "actors/plain/fixture.hpp"
#include "apps/net/byte_buffer.hpp"
#include "apps/resp/parser.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/resp/spelled.hpp"
#include "apps/server/calls/unfinished.hpp"
#include "apps/server/clients/answer_slot.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/executor.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/server/state/server_state.hpp"
#include "region_shards.hpp"

/// A queue of messages that nobody has to be told about: commands look there.
struct quiet_subscriber final : troupe::subscriber {
  using troupe::subscriber::subscriber;

  bool wake() noexcept override {
    return true;
  }
};

/// The place of a reply; the test looks by itself whether it is there.
struct quiet_slot final : troupe::server::answer_slot {
  using answer_slot::answer_slot;

  void on_answer() noexcept override {
    // nop
  }
};

/// A client that may subscribe and wait.
inline void make_client(troupe::server::client& x, std::uint64_t id,
                        const troupe::server::server_state& state) {
  x.id = id;
  x.make_subscriber = [&state] {
    return std::make_shared<quiet_subscriber>(state.options.pubsub);
  };
  x.make_slot = [](troupe::server::waiting_time most) {
    // No thread empties the line: closed, it keeps no slot alive.
    auto line
      = std::make_shared<troupe::server::answer_line>([] { return true; });
    line->close();
    return std::make_shared<quiet_slot>(std::move(line), std::move(most));
  };
}

/// Topics whose listeners are called on the loaders' threads.
inline std::shared_ptr<troupe::topic_hub>
topics_over(const std::shared_ptr<troupe::load_coordinator>& loads) {
  return std::make_shared<troupe::topic_hub>(
    std::shared_ptr<troupe::worker_pool>{loads, &loads->workers()});
}

/// Commands of one client over a region, without sockets.
struct command_fixture : region_fixture {
  explicit command_fixture(troupe::region_options options = {})
    : region_fixture(options) {
    state.threads.emplace_back();
    state.topics = topics_over(loads);
    REQUIRE(state.show_metrics());
    // As the runtime does.
    shown = troupe::register_metrics(state.options.metrics,
                                     state.topics->directory())
              .value();
    shown.push_back(
      troupe::register_region_metrics(state.options.metrics, [this] {
        return opened;
      }).value());
    make_client(self, 7, state);
    const auto open = [this](std::size_t index) {
      auto db = uut;
      if (index > 0)
        db = open_region("db" + std::to_string(index), uut->options(), time,
                         executor, loads);
      opened.push_back(db);
      return troupe::expected<std::shared_ptr<troupe::region>>{std::move(db)};
    };
    REQUIRE(state.databases.start(troupe::server::defaults::databases, open));
  }

  ~command_fixture() {
    state.databases.for_each([](std::size_t index, troupe::region& x) {
      if (index > 0)
        x.stop();
    });
  }

  /// The replies to whatever `input` holds, which must be complete.
  std::string send(std::string_view input) {
    return send(self, input);
  }

  /// The same for another client.
  std::string send(troupe::server::client& from, std::string_view input) {
    troupe::net::byte_buffer out;
    troupe::resp::reply_writer reply{out, state.options.max_reply};
    troupe::resp::parser parser{state.options.limits};
    troupe::server::executor runner{state, state.threads.front()};
    auto left = true;
    while (left) {
      troupe::resp::command_batch batch;
      const auto result = parser.parse(input, batch);
      REQUIRE(result.state != troupe::resp::parser::status::broken);
      left = result.state == troupe::resp::parser::status::full;
      for (std::size_t next = 0; next < batch.size();)
        next = run_next(runner, batch, next, from, reply);
      input.remove_prefix(result.consumed);
    }
    REQUIRE(input.empty());
    return std::string{out.view()};
  }

  /// As a connection does, without others in between.
  static std::size_t run_next(troupe::server::executor& runner,
                              const troupe::resp::command_batch& batch,
                              std::size_t next, troupe::server::client& from,
                              troupe::resp::reply_writer& reply) {
    const auto result = runner.run(batch, next, from, reply);
    while (from.unfinished && !from.unfinished->waits())
      std::ignore = troupe::server::continue_unfinished(from, reply);
    return result;
  }

  /// The reply to one command, typed as in a terminal.
  std::string operator()(std::string_view line) {
    return send(std::string{line} + "\n");
  }

  std::string run(const std::vector<std::string>& words) {
    return send(resp(words));
  }

  troupe::server::server_state state;
  troupe::server::client self;
  std::vector<std::shared_ptr<const troupe::region>> opened; ///< Databases.
  std::vector<troupe::metric_registration> shown; ///< Of databases and topics.
};
