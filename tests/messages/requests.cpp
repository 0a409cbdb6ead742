#include <troupe/messages/interfaces.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/make_message.hpp>

#include <troupe/messages/caf/type_ids.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct test_config : caf::actor_system_config {
  test_config() {
    troupe::add_message_types(*this);
    // Doing it again changes nothing.
    troupe::add_message_types(*this);
  }
};

struct fixture {
  test_config cfg;
  caf::actor_system system{cfg};

  /// `x` as another process would receive it in a message.
  template <class T>
  T travel(const T& x) {
    std::vector<char> wire;
    caf::binary_serializer sink{system, wire};
    REQUIRE_FALSE(sink(caf::make_message(x)));
    caf::message arrived;
    caf::binary_deserializer source{system, wire};
    REQUIRE_FALSE(source(arrived));
    REQUIRE(source.remaining() == 0);
    REQUIRE(arrived.match_elements<T>());
    return arrived.get_as<T>(0);
  }
};

const bytes binary{"a\0b\xff\r\n", 6};

} // namespace

TEST_CASE("requests to a region travel") {
  fixture f;
  CHECK(f.travel(get_request{binary}).key == binary);
  CHECK(f.travel(contains_request{binary}).key == binary);
  CHECK(f.travel(ttl_request{binary}).key == binary);
  CHECK(f.travel(erase_request{binary}).key == binary);
  CHECK(f.travel(get_many_request{{"x", binary, ""}}).keys
        == std::vector<bytes>{"x", binary, ""});
  auto set = f.travel(set_request{
    "k", binary, {5s, 2s, 0.25, write_condition::if_present, true}});
  CHECK(set.key == "k");
  CHECK(set.value == binary);
  CHECK(set.how.ttl == 5s);
  CHECK(set.how.idle == 2s);
  CHECK(set.how.jitter == 0.25);
  CHECK(set.how.condition == write_condition::if_present);
  CHECK(set.how.keep_ttl);
  auto compare = f.travel(compare_and_set_request{"k", 7, binary, {}});
  CHECK(compare.version == 7);
  CHECK(compare.value == binary);
  auto touch = f.travel(touch_request{"k", no_expiry});
  CHECK(touch.ttl == no_expiry);
  auto least = std::numeric_limits<std::int64_t>::min();
  CHECK(f.travel(increment_request{"k", least}).delta == least);
  CHECK(f.travel(clear_request{}).everything);
  CHECK(f.travel(invalidate_tag_request{"red"}).tag == "red");
  CHECK(f.travel(list_namespaces_request{7}).limit == 7);
  CHECK(f.travel(clear_namespace_request{binary}).prefix == binary);
  auto limits = f.travel(set_namespace_limits_request{binary, 1, 2});
  CHECK(limits.prefix == binary);
  CHECK(limits.max_bytes == 1);
  CHECK(limits.max_entries == 2);
}

TEST_CASE("replies of a region travel") {
  fixture f;
  auto got = f.travel(get_reply{true, binary, 9});
  CHECK(got.found);
  CHECK(got.value == binary);
  CHECK(got.version == 9);
  auto many = f.travel(get_many_reply{{{true, "x", 1}, {}}});
  REQUIRE(many.entries.size() == 2);
  CHECK(many.entries[0].value == "x");
  CHECK_FALSE(many.entries[1].found);
  auto ttl = f.travel(ttl_reply{true, 3ms});
  CHECK(ttl.found);
  CHECK(ttl.ttl == 3ms);
  CHECK(f.travel(compare_and_set_reply{4}).version == 4);
  CHECK(f.travel(load_reply{true, binary}).value == binary);
  auto spaces = f.travel(namespace_list{{{binary, 1, 2, 3, 4, 5, 6, "clock"}}});
  REQUIRE(spaces.namespaces.size() == 1);
  CHECK(spaces.namespaces[0].prefix == binary);
  CHECK(spaces.namespaces[0].keys == 1);
  CHECK(spaces.namespaces[0].charged == 2);
  CHECK(spaces.namespaces[0].max_bytes == 3);
  CHECK(spaces.namespaces[0].max_entries == 4);
  CHECK(spaces.namespaces[0].evictions == 5);
  CHECK(spaces.namespaces[0].shards == 6);
  CHECK(spaces.namespaces[0].eviction == "clock");
  CHECK(f.travel(update_reply{true, binary}).value == binary);
}

TEST_CASE("functions stay behind when a request travels") {
  fixture f;
  auto load = f.travel(load_request{
    "k", [](load_context&) -> expected<bytes> { return bytes{}; }, {}});
  CHECK(load.key == "k");
  CHECK_FALSE(load.loader);
  auto update = f.travel(update_request{
    "k",
    [](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
      return std::nullopt;
    },
    {}});
  CHECK(update.key == "k");
  CHECK_FALSE(update.updater);
}

TEST_CASE("messages of the supervision travel") {
  fixture f;
  auto list = f.travel(actor_list{
    {{"profiles/shard-3", "profiles", "shard", "running", 1, 2, 3, 4, 5}}});
  REQUIRE(list.actors.size() == 1);
  CHECK(list.actors[0].name == "profiles/shard-3");
  CHECK(list.actors[0].keys == 5);
  runtime_stat stat;
  stat.version = "0.1.0";
  stat.uptime = 7ms;
  stat.draining = true;
  stat.regions.push_back({"db0", "bytes", 16, 1, 2, 3, 4, {}});
  stat.regions[0].namespaces.push_back({"a:", 1, 2, 3, 4, 5, 6, "clock"});
  auto other = f.travel(stat);
  CHECK(other.version == "0.1.0");
  CHECK(other.uptime == 7ms);
  CHECK(other.draining);
  REQUIRE(other.regions.size() == 1);
  CHECK(other.regions[0].shards == 16);
  REQUIRE(other.regions[0].namespaces.size() == 1);
  CHECK(other.regions[0].namespaces[0].prefix == "a:");
  CHECK(f.travel(list_actors_request{"db0/"}).prefix == "db0/");
  CHECK(f.travel(runtime_stat_request{false}).with_regions == false);
  CHECK(f.travel(kill_request{"db0"}).name == "db0");
  CHECK(f.travel(find_region_request{"db0"}).name == "db0");
  CHECK(f.travel(drain_request{3s}).deadline == 3s);
  CHECK(f.travel(drain_report{1s, {"load db0/k"}}).stuck.size() == 1);
  CHECK(f.travel(list_loads_request{5}).limit == 5);
  CHECK(f.travel(cancel_load_request{6}).id == 6);
  CHECK(f.travel(list_breakers_request{7}).limit == 7);
  const auto breakers
    = f.travel(breaker_list{{{"db", "open", 1, 2, 3, 4ms}}, 1}).breakers;
  REQUIRE(breakers.size() == 1);
  CHECK(breakers[0].name == "db");
  CHECK(breakers[0].state == "open");
  CHECK(breakers[0].remaining == 4ms);
  auto loads
    = f.travel(load_list{{{1, "db0", binary, 2ms, 3ms, 4, 5, true}}, 17});
  CHECK(loads.total == 17);
  REQUIRE(loads.loads.size() == 1);
  CHECK(loads.loads[0].key == binary);
  CHECK(loads.loads[0].fenced);
}

// A peer of another version looks a type up by its name.
TEST_CASE("every message has the name that it always had") {
  test_config cfg;
  std::vector<std::string> names;
  for (const auto& [name, factory] : cfg.value_factories_by_name)
    if (name.starts_with("troupe::"))
      names.push_back(name);
  std::sort(names.begin(), names.end());
  CHECK(names
        == std::vector<std::string>{"troupe::actor_info",
                                    "troupe::actor_list",
                                    "troupe::breaker_info",
                                    "troupe::breaker_list",
                                    "troupe::cancel_load_request",
                                    "troupe::clear_namespace_request",
                                    "troupe::clear_request",
                                    "troupe::compare_and_set_reply",
                                    "troupe::compare_and_set_request",
                                    "troupe::contains_request",
                                    "troupe::count_subscribers_request",
                                    "troupe::drain_report",
                                    "troupe::drain_request",
                                    "troupe::erase_request",
                                    "troupe::explain_request",
                                    "troupe::explained_event",
                                    "troupe::explained_key",
                                    "troupe::find_actor_request",
                                    "troupe::find_region_request",
                                    "troupe::get_many_reply",
                                    "troupe::get_many_request",
                                    "troupe::get_reply",
                                    "troupe::get_request",
                                    "troupe::increment_request",
                                    "troupe::invalidate_tag_request",
                                    "troupe::kill_request",
                                    "troupe::list_actors_request",
                                    "troupe::list_breakers_request",
                                    "troupe::list_loads_request",
                                    "troupe::list_metrics_request",
                                    "troupe::list_namespaces_request",
                                    "troupe::list_nodes_request",
                                    "troupe::load_coordinator_actor",
                                    "troupe::load_info",
                                    "troupe::load_list",
                                    "troupe::load_reply",
                                    "troupe::load_request",
                                    "troupe::load_value_reply",
                                    "troupe::load_value_request",
                                    "troupe::loader_actor",
                                    "troupe::metric_list",
                                    "troupe::metric_row",
                                    "troupe::namespace_info",
                                    "troupe::namespace_list",
                                    "troupe::node_info",
                                    "troupe::node_list",
                                    "troupe::publish_request",
                                    "troupe::region_actor",
                                    "troupe::region_info",
                                    "troupe::region_info_request",
                                    "troupe::restart_request",
                                    "troupe::runtime_stat",
                                    "troupe::runtime_stat_request",
                                    "troupe::service_figure",
                                    "troupe::service_info",
                                    "troupe::set_namespace_limits_request",
                                    "troupe::set_request",
                                    "troupe::shard_actor",
                                    "troupe::subscribe_request",
                                    "troupe::supervisor_actor",
                                    "troupe::topic_message",
                                    "troupe::topic_subscriber_actor",
                                    "troupe::topics_actor",
                                    "troupe::topics_ended",
                                    "troupe::touch_request",
                                    "troupe::ttl_reply",
                                    "troupe::ttl_request",
                                    "troupe::unsubscribe_request",
                                    "troupe::update_reply",
                                    "troupe::update_request",
                                    "troupe::write_terms"});
}

TEST_CASE("messages can be printed") {
  CHECK(caf::deep_to_string(get_request{"k"}).find("k") != std::string::npos);
}

TEST_CASE("write terms that say nothing leave all to the region") {
  auto how = options_of({});
  REQUIRE(how);
  CHECK_FALSE(how->ttl);
  CHECK_FALSE(how->idle);
  CHECK_FALSE(how->jitter);
  CHECK(how->condition == write_condition::always);
  CHECK_FALSE(how->keep_ttl);
}

TEST_CASE("write terms become options") {
  auto how = options_of({5s, 2s, 0.5, write_condition::if_absent, true});
  REQUIRE(how);
  CHECK(how->ttl == 5s);
  CHECK(how->idle == 2s);
  CHECK(how->jitter == 0.5);
  CHECK(how->condition == write_condition::if_absent);
  CHECK(how->keep_ttl);
}

TEST_CASE("a jitter that is not finite arrives, and is refused") {
  using limits = std::numeric_limits<double>;
  fixture f;
  for (const auto jitter :
       {limits::infinity(), -limits::infinity(), limits::quiet_NaN()}) {
    write_terms how;
    how.jitter = jitter;
    CHECK_FALSE(options_of(f.travel(set_request{"k", "v", how}).how));
    CHECK_FALSE(options_of(f.travel(update_request{"k", {}, how}).how));
  }
  CHECK(f.travel(set_request{"k", "v", {.jitter = 0.25}}).how.jitter == 0.25);
}

TEST_CASE("write terms that make no sense are refused") {
  auto nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& terms :
       {write_terms{-1ms, 0ms, -1.0, write_condition::always, false},
        write_terms{0ms, -1ms, -1.0, write_condition::always, false},
        write_terms{0ms, 0ms, 1.0, write_condition::always, false},
        write_terms{0ms, 0ms, nan, write_condition::always, false},
        write_terms{0ms, 0ms, -1.0, static_cast<write_condition>(3), false}}) {
    auto how = options_of(terms);
    REQUIRE_FALSE(how);
    CHECK(how.error() == errc::invalid_argument);
    CHECK_FALSE(how.error().text().empty());
  }
}
