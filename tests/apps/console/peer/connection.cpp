#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/gate/detail/console_gate.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/caf/type_ids.hpp>
#include <troupe/messages/interfaces.hpp>

#include "apps/console/peer/connection.hpp"
#include "apps/console/session.hpp"

using namespace std::chrono_literals;
using namespace troupe::console;
using troupe::errc;

namespace {

/// Long enough for a busy machine; no test waits for it to pass.
constexpr auto patience = 20s;

class fake_config : public caf::actor_system_config {
public:
  fake_config() {
    troupe::add_message_types(*this);
    load<caf::io::middleman>();
    set("scheduler.max-threads", 1);
  }
};

/// A region without expiry, TTLs apart.
class fake_region : public troupe::region_actor::base {
public:
  using troupe::region_actor::base::base;

  behavior_type make_behavior() override {
    using namespace troupe;
    return {
      [this](const get_request& x) -> caf::result<get_reply> {
        auto i = values_.find(x.key);
        if (i == values_.end())
          return get_reply{};
        return get_reply{true, i->second.value, 5};
      },
      [this](const contains_request& x) -> caf::result<bool> {
        return values_.contains(x.key);
      },
      [this](const ttl_request& x) -> caf::result<ttl_reply> {
        auto i = values_.find(x.key);
        if (i == values_.end())
          return ttl_reply{};
        return ttl_reply{
          true, i->second.how.ttl.count() == 0 ? no_expiry : i->second.how.ttl};
      },
      [this](set_request& x) -> caf::result<bool> {
        auto key = x.key;
        values_[key] = std::move(x);
        return true;
      },
      [](const compare_and_set_request&) -> caf::result<compare_and_set_reply> {
        return compare_and_set_reply{};
      },
      [this](const erase_request& x) -> caf::result<bool> {
        return values_.erase(x.key) > 0;
      },
      [](const touch_request&) -> caf::result<bool> { return false; },
      [](const increment_request&) -> caf::result<std::int64_t> { return 0; },
      [](const clear_request&) -> caf::result<void> { return caf::unit; },
      [](const explain_request& x) -> caf::result<explained_key> {
        explained_key result;
        result.state = "missing";
        result.tags = {"red", "\xff"};
        result.events = {{"erased", "erased", 17, 1200ms, 0, {}}};
        result.sentences = {"The key " + x.key + " is missing.",
                            "It was erased 1.2 s ago (sequence 17)."};
        return result;
      },
      [](const invalidate_tag_request& x) -> caf::result<void> {
        if (x.tag == "refused")
          return to_caf({errc::invalid_argument, "not this tag"});
        return caf::unit;
      },
      [](const get_many_request&) -> caf::result<get_many_reply> {
        return get_many_reply{};
      },
      [](const list_namespaces_request&) -> caf::result<namespace_list> {
        return namespace_list{};
      },
      [](const set_namespace_limits_request&) -> caf::result<void> {
        return caf::unit;
      },
      [](const clear_namespace_request&) -> caf::result<void> {
        return caf::unit;
      },
      [](const load_request&) -> caf::result<load_reply> {
        return load_reply{};
      },
      [](const update_request&) -> caf::result<update_reply> {
        return update_reply{};
      },
    };
  }

private:
  std::map<std::string, troupe::set_request> values_;
};

/// Answers as a supervisor, but for `loads` (never) and `drain` (dies instead,
/// unless the deadline is a second).
/// What the server calls its first region.
std::atomic<const char*> first_region{"db0"};

class fake_supervisor : public troupe::supervisor_actor::base {
public:
  using troupe::supervisor_actor::base::base;

  behavior_type make_behavior() override {
    using namespace troupe;
    region_ = spawn<fake_region>();
    return {
      [this](const list_loads_request&) -> caf::result<load_list> {
        pending_.push_back(make_response_promise());
        return pending_.back();
      },
      [](const list_breakers_request&) { return breaker_list{}; },
      [](const cancel_load_request& x) -> caf::result<void> {
        if (x.id == 7)
          return caf::unit;
        return to_caf({errc::unknown_load,
                       "no load in flight has number " + std::to_string(x.id)});
      },
      [](const list_actors_request& x) -> caf::result<actor_list> {
        actor_list result;
        for (const std::string name : {"supervisor", "db0", "db0/shard-0"})
          if (name.starts_with(x.prefix))
            result.actors.push_back({name, "", name == "db0" ? "region" : "",
                                     "running", 0, 0, 0, 0, 0, 0});
        return result;
      },
      [](const runtime_stat_request&) -> caf::result<runtime_stat> {
        runtime_stat result;
        result.version = "9.9.9";
        return result;
      },
      [](const kill_request& x) -> caf::result<void> {
        if (x.name == "db0/shard-0")
          return caf::unit;
        return to_caf({errc::unknown_actor, "no actor has this name"});
      },
      [](const restart_request& x) -> caf::result<void> {
        if (x.name == "db0/shard-0")
          return caf::unit;
        if (x.name == "db0")
          return to_caf({errc::invalid_argument, "db0 is running"});
        return to_caf({errc::unknown_actor, "no actor has this name"});
      },
      [this](const drain_request& x) -> caf::result<drain_report> {
        if (x.deadline == 1s)
          return drain_report{5ms, {}};
        if (x.deadline == 3s)
          return drain_report{3s, {}, 5, 2};
        if (x.deadline == 4s)
          return drain_report{1ms, {}, 1};
        if (x.deadline == 2s)
          return drain_report{2s, {"load 7", "db0/shard-0"}};
        pending_.push_back(make_response_promise());
        quit(caf::exit_reason::kill);
        return pending_.back();
      },
      [](const region_info_request& x) -> caf::result<region_info> {
        region_info result;
        result.name = x.name.empty() ? first_region.load() : x.name;
        if (result.name == "profiles") {
          result.value_type = "profile";
          result.encoding = "encoded";
        } else if (result.name == "counts") {
          result.value_type = "int";
          result.encoding = "integer";
          result.least_value = -128;
          result.most_value = 127;
        } else if (result.name == "sizes") {
          result.value_type = "unsigned long";
          result.encoding = "integer";
          result.most_value = ~std::uint64_t{0};
        } else if (result.name != "db0") {
          return to_caf({errc::unknown_region, "no region has this name"});
        }
        return result;
      },
      [this](const find_region_request& x) -> caf::result<region_actor> {
        if (x.name == "db0" || x.name == "profiles" || x.name == "counts"
            || x.name == "sizes")
          return region_;
        return to_caf({errc::unknown_region, "no region has this name"});
      },
      [this](const find_actor_request& x)
        -> caf::result<std::string, caf::strong_actor_ptr> {
        if (x.name == "db0" || x.name == "profiles")
          return {"region", caf::actor_cast<caf::strong_actor_ptr>(region_)};
        if (x.name == "odd")
          return {"oddity", caf::actor_cast<caf::strong_actor_ptr>(region_)};
        return to_caf({errc::unknown_actor, "no actor has this name"});
      },
      [](const list_nodes_request&) -> caf::result<node_list> {
        return node_list{"abc#1", {{"def#2", "127.0.0.1:1234", 90s, 17, 1}}, 3};
      },
      [](const troupe::list_metrics_request& x)
        -> caf::result<troupe::metric_list> {
        if (!std::string_view{"a_bytes"}.starts_with(x.prefix))
          return troupe::metric_list{};
        return troupe::metric_list{
          {{"a_bytes", "region=\"db0\"", "gauge", "bytes", "Memory.", 2048},
           {"b_seconds", "", "histogram", "seconds", "Times.", 7, 20, 0.25, 0.5,
            1}},
          3};
      },
    };
  }

  void on_exit() override {
    send_exit(region_, caf::exit_reason::user_shutdown);
    region_ = troupe::region_actor{};
    pending_.clear(); // A promise keeps its actor alive.
  }

private:
  troupe::region_actor region_;
  std::vector<caf::response_promise> pending_;
};

constexpr const char* password = "of the test";

/// A process with a supervisor.
class fake_server {
public:
  explicit fake_server(std::uint16_t port = 0) {
    supervisor_ = system_.spawn<fake_supervisor>();
    const auto bound
      = gate_.open(troupe::console_port{port, "127.0.0.1", password});
    REQUIRE(bound);
    port_ = *bound;
  }

  ~fake_server() {
    caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
  }

  fake_server(const fake_server&) = delete;
  fake_server& operator=(const fake_server&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }

  /// Where a console finds it.
  [[nodiscard]] endpoint address(std::chrono::milliseconds timeout
                                 = patience) const {
    return {troupe::console_port{port_, "127.0.0.1", password}, timeout};
  }

private:
  fake_config config_;
  caf::actor_system system_{config_};
  troupe::supervisor_actor supervisor_;
  troupe::detail::console_gate gate_{
    system_, [this] {
      return troupe::detail::shown_actor{
        caf::actor_cast<caf::strong_actor_ptr>(supervisor_),
        system_.message_types(
          caf::detail::type_list<troupe::supervisor_actor>{})};
    }};
  std::uint16_t port_ = 0;
};

/// What `line` prints.
std::string output(session& with, std::string_view line) {
  std::string result;
  auto commands = parse_line(line);
  REQUIRE(commands);
  for (const auto& x : *commands) {
    auto done = with.run(x, 0);
    result += done.text + done.complaint;
    CHECK((done.code == succeeded) == done.complaint.empty());
  }
  return result;
}

exit_code code(session& with, std::string_view line) {
  return with.run(parse_line(line)->front(), 0).code;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("commands print what the server answers") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};

  CHECK(output(with, "get k") == "(nil)\n");
  CHECK(output(with, R"(set k "v\x00" 90)") == "ok\n");
  CHECK(output(with, "get k") == "\"v\\x00\"\n");
  CHECK(output(with, "ttl k") == "1m30s\n");
  CHECK(output(with, "set eternal x; ttl eternal") == "ok\nnone\n");
  CHECK(output(with, "ttl nothing") == "(nil)\n");
  CHECK(output(with, "del k eternal nothing") == "removed 2 of 3\n");
  CHECK(contains(output(with, "stat"), "9.9.9"));
  CHECK(contains(output(with, "ls"), "supervisor"));
  CHECK(contains(output(with, "ls db0"), "db0/shard-0"));
  CHECK(output(with, "cancel 7") == "cancelled load 7\n");
  CHECK(output(with, "kill db0/shard-0") == "killed db0/shard-0\n");
  CHECK(output(with, "use db0") == "region db0\n");
  CHECK(output(with, "explain k")
        == "The key k is missing.\n"
           "It was erased 1.2 s ago (sequence 17).\n");
  CHECK(output(with, "explain k profiles").starts_with("The key k is missing"));
  CHECK(output(with, "invalidate 'a b'")
        == "invalidated the tag \"a b\" in db0\n");
  CHECK(output(with, "clear profiles") == "cleared profiles\n");
  CHECK(output(with, "drain 1s") == "drained in 5ms\n");
  CHECK(output(with, "help get").starts_with("get KEY\n"));
  CHECK_FALSE(with.over());
  CHECK(output(with, "quit").empty());
  CHECK(with.over());
}

TEST_CASE("commands print errors with their code and a suggestion") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};

  CHECK(output(with, "cancel 8")
        == "error: unknown_load: no load in flight has number 8\n");
  CHECK(output(with, "kill db0/shard-1")
        == "error: unknown_actor: no actor has this name; did you mean "
           "'db0/shard-0'?\n");
  CHECK(output(with, "use db1")
        == "error: unknown_region: no region has this name; did you mean "
           "'db0'?\n");
  // What failed was not chosen.
  CHECK(output(with, "get k") == "(nil)\n");
  CHECK(with.region() == "db0");
  CHECK(output(with, "ls bd0")
        == "error: unknown_actor: no actor's name begins with bd0; did you "
           "mean 'db0'?\n");
  CHECK(output(with, "drain 2s")
        == "error: timeout: drained, but after 2s these had not ended: "
           "\"load 7\" db0/shard-0\n");
  CHECK(code(with, "cancel 8") == failed);
  CHECK(code(with, "cancel 7") == succeeded);
}

TEST_CASE("text is not stored in a region of values that cannot be typed") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};

  CHECK(output(with, "use profiles; set 42 abc")
        == "region profiles\nerror: type_mismatch: profiles holds values of "
           "type profile, which cannot be typed in the console; nothing was "
           "stored\n");
  CHECK(output(with, "get 42") == "(nil)\n");
  CHECK(output(with, "use counts; set n abc")
        == "region counts\nerror: type_mismatch: counts holds values of type "
           "int, and this is not a decimal integer from -128 to 127 without "
           "leading zeros; nothing was stored\n");
  for (const auto* wrong :
       {"set n ''", "set n -", "set n 1.5", "set n +1", "set n 007", "set n -0",
        "set n 128", "set n -129", "set n 99999999999999999999"})
    CHECK(code(with, wrong) == failed);
  CHECK(output(with, "use sizes; set n 18446744073709551615")
        == "region sizes\nok\n");
  for (const auto* wrong : {"set n -5", "set n 18446744073709551616"})
    CHECK(code(with, wrong) == failed);
  CHECK(code(with, "use counts") == succeeded);
  CHECK(output(with, "set n -42") == "ok\n");
  CHECK(output(with, "get n") == "\"-42\"\n");
  // A message is sent as it is, and the risk named.
  const auto sent
    = with.run(parse_line("send profiles set 42 abc")->front(), 0);
  CHECK(sent.code == succeeded);
  CHECK(sent.text == "true\n");
  CHECK(sent.complaint
        == "warning: profiles holds values of type profile; the bytes were "
           "written as typed, and may not be such a value\n");
  const auto fine = with.run(parse_line("send db0 set 42 abc")->front(), 0);
  CHECK(fine.complaint.empty());
}

TEST_CASE("actors are restarted, and regions cleared") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  CHECK(output(with, "restart db0/shard-0") == "restarted db0/shard-0\n");
  CHECK(output(with, "restart db0")
        == "error: invalid_argument: db0 is running\n");
  CHECK(output(with, "restart db0/shard-1")
        == "error: unknown_actor: no actor has this name; did you mean "
           "'db0/shard-0'?\n");
  CHECK(output(with, "clear") == "cleared db0\n");
  CHECK(output(with, "use profiles; clear")
        == "region profiles\ncleared profiles\n");
}

TEST_CASE("the report of a drain counts the clients") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  session json{peer, true};
  CHECK(output(with, "drain 3s")
        == "error: timeout: drained, but after 3s these had not ended: 2 of 5 "
           "clients (cut off: they did not read their replies)\n");
  CHECK(output(with, "drain 4s") == "drained in 1ms, 1 client included\n");
  CHECK(json.run(parse_line("drain 4s")->front(), 0).text
        == "{\"took_ms\":1,\"clients\":1}\n");
}

TEST_CASE("a person is asked before what cannot be taken back, and only then") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  const auto question = [&](std::string_view line) {
    return with.question(parse_line(line)->front());
  };
  CHECK(question("clear") == "remove all keys of db0?");
  CHECK(question("kill db0/shard-0") == "end db0/shard-0 as a crash would?");
  CHECK(question("drain") == "stop the server?");
  CHECK(question("send db0 clear") == "send clear to db0?");
  CHECK(question("send db0 clear_request") == "send clear to db0?");
  CHECK(question("send supervisor drain") == "send drain to supervisor?");
  for (const auto* line : {"get k", "set k v", "del k", "restart db0", "ls",
                           "send db0 get k", "send db0", "quit"})
    CHECK(question(line).empty());
}

TEST_CASE("set goes to the region that the prompt shows") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  // What the server shows first may become another: it opens a "db0".
  first_region = "counts";
  with.look_for_region();
  CHECK(with.region() == "counts");
  first_region = "db0";
  CHECK(code(with, "set n abc") == failed);
  CHECK(with.region() == "counts");
}

TEST_CASE("clear is asked about when the region is not known yet") {
  std::uint16_t port = 0;
  {
    fake_server gone;
    port = gone.port();
  }
  connection peer{
    {troupe::console_port{port, "127.0.0.1", password}, patience}};
  session with{peer, false};
  CHECK(with.question(parse_line("clear")->front())
        == "remove all keys of the server's first region?");
}

TEST_CASE("commands print JSON when asked to") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, true};

  CHECK(output(with, "get k") == "{\"found\":false}\n");
  CHECK(output(with, "set k v 1") == "{\"stored\":true}\n");
  CHECK(output(with, "get k")
        == "{\"found\":true,\"value\":\"v\",\"version\":5}\n");
  CHECK(output(with, "ttl k") == "{\"found\":true,\"ttl_ms\":1000}\n");
  CHECK(output(with, "ttl x") == "{\"found\":false,\"ttl_ms\":null}\n");
  CHECK(output(with, "del k") == "{\"removed\":1}\n");
  CHECK(output(with, "use db0") == "{\"region\":\"db0\"}\n");
  CHECK(output(with, "cancel 7") == "{\"cancelled\":7}\n");
  CHECK(output(with, "kill db0/shard-0") == "{\"killed\":\"db0/shard-0\"}\n");
  CHECK(output(with, "drain 1s") == "{\"took_ms\":5,\"clients\":0}\n");
  CHECK(
    output(with, "ls").starts_with("{\"actors\":[{\"name\":\"supervisor\","));
  CHECK(output(with, "stat").starts_with("{\"version\":\"9.9.9\","));
  CHECK(contains(output(with, "help"), "{\"help\":\""));
  const auto problem = with.run(parse_line("cancel 8")->front(), 0);
  CHECK(problem.code == failed);
  CHECK(problem.text
        == "{\"error\":\"unknown_load\",\"text\":\"no load in flight has "
           "number 8\"}\n");
}

TEST_CASE("messages are made of words and their answers printed") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};

  CHECK(output(with, "send db0 set k 'v w' how.ttl=1m") == "true\n");
  CHECK(output(with, "send db0 get k")
        == "found    true\nvalue    \"v w\"\nversion  5\n");
  CHECK(output(with, "send db0 ttl key=k") == "found  true\nttl    1m\n");
  CHECK(output(with, "send db0 increment_request k 3") == "0\n");
  CHECK(output(with, "send db0 clear") == "ok\n");
  CHECK(output(with, "send db0 get_many a b") == "entries\n  none\n");
  const auto all = output(with, "send db0");
  CHECK(contains(all, "MESSAGE"));
  CHECK(contains(all, "key:text"));
  CHECK(contains(all, "found, value, version"));
  CHECK(output(with, "send db0 help") == all);
}

TEST_CASE("what makes no message is refused before anything is sent") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};

  CHECK(output(with, "send db0 gte k")
        == "error: invalid_argument: db0 accepts no message gte; did you mean "
           "'get'?\n");
  CHECK(output(with, "send db0 touch k soon")
        == "error: invalid_argument: touch: ttl is 'soon', but must be a time "
           "(500ms, 30s, 5m, 2h, 1d, or none)\n");
  CHECK(output(with, "send bd0 get k")
        == "error: unknown_actor: no actor has this name; did you mean "
           "'db0'?\n");
  CHECK(contains(output(with, "send odd get k"),
                 "knows no messages for actors of the kind oddity"));
  CHECK(code(with, "send db0 gte k") == wrong_usage);
  CHECK(code(with, "send db0 get") == wrong_usage);
  CHECK(code(with, "send bd0 get k") == failed);
  CHECK(code(with, "send db0 get k") == succeeded);
}

TEST_CASE("messages and nodes are printed as JSON when asked to") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, true, true};

  CHECK(output(with, R"(send db0 set k "\xff")") == "{\"answer\":true}\n");
  CHECK(output(with, "send db0 get k")
        == "{\"answer\":{\"found\":true,\"value\":{\"base64\":\"/w==\"},"
           "\"version\":5}}\n");
  CHECK(output(with, "send db0 ttl k")
        == "{\"answer\":{\"found\":true,\"ttl\":null}}\n");
  CHECK(output(with, "send db0 clear") == "{\"answer\":null}\n");
  const auto all = output(with, "send db0 help");
  CHECK(contains(all, "{\"actor\":\"db0\",\"kind\":\"region\",\"messages\":[{"
                      "\"name\":\"get\",\"fields\":[{\"name\":\"key\","
                      "\"type\":\"text\",\"needed\":true}],\"answer\":"
                      "\"found, value, version\"}"));
  CHECK(contains(all, "\"default\":\"always\""));
  CHECK(output(with, "nodes")
        == "{\"self\":\"abc#1\",\"nodes\":[{\"id\":\"def#2\",\"address\":"
           "\"127.0.0.1:1234\",\"known_for_ms\":90000,\"requests\":17,"
           "\"actors\":1}],\"total\":3}\n");
  // Colours are for people.
  CHECK_FALSE(contains(output(with, "ls"), "\033"));
}

TEST_CASE("nodes are printed as a table") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  CHECK(output(with, "nodes")
        == "this server is abc#1\n\n"
           "NODE   ADDRESS         KNOWN FOR  REQUESTS  ACTORS\n"
           "def#2  127.0.0.1:1234      1m30s        17       1\n"
           "... and 2 more\n");
}

TEST_CASE("metrics are printed as a table, or as JSON") {
  fake_server server;
  connection peer{server.address()};
  session with{peer, false};
  CHECK(output(with, "metrics")
        == "METRIC     LABELS                                     VALUE  "
           "HELP\n"
           "a_bytes    region=\"db0\"                             2.0 KiB  "
           "Memory.\n"
           "b_seconds                20, p50 0.25 s, p90 0.5 s, p99 1 s  "
           "Times.\n"
           "... and 1 more\n");
  CHECK(output(with, "metrics nothing")
        == "no metric has a name with this prefix\n");
  session as_json{peer, true};
  CHECK(
    output(as_json, "metrics a_")
    == "{\"metrics\":[{\"name\":\"a_bytes\",\"labels\":\"region=\\\"db0\\\"\""
       ",\"kind\":\"gauge\",\"unit\":\"bytes\",\"help\":\"Memory.\",\"value\":"
       "2048},{\"name\":\"b_seconds\",\"labels\":\"\",\"kind\":\"histogram\","
       "\"unit\":\"seconds\",\"help\":\"Times.\",\"value\":7,\"count\":20,"
       "\"p50\":0.25,\"p90\":0.5,\"p99\":1}],\"total\":3}\n");
}

TEST_CASE("states have colours when they are wanted") {
  fake_server server;
  connection peer{server.address()};
  session plain{peer, false};
  session coloured{peer, false, true};
  CHECK_FALSE(contains(output(plain, "ls"), "\033"));
  CHECK(contains(output(coloured, "ls"), "\033[32mrunning\033[0m"));
}

TEST_CASE("a request without an answer ends with the timeout") {
  fake_server server;
  connection peer{server.address()};
  REQUIRE(peer.open());
  connection hasty{server.address(300ms)};
  auto result = hasty.ask(troupe::list_loads_request{});
  REQUIRE_FALSE(result);
  // A machine that is busy enough does not even connect in that time.
  if (result.error().code == failed) {
    CHECK(result.error().reason == errc::timeout);
    CHECK(contains(result.error().reason.text(), "no answer within 300ms"));
    CHECK(hasty.is_open());
  }
}

TEST_CASE("the end of the server ends a request that waits for it") {
  fake_server server;
  connection peer{server.address()};
  const auto start = std::chrono::steady_clock::now();
  auto result = peer.ask(troupe::drain_request{1h});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == not_connected);
  CHECK(contains(result.error().reason.text(), "was lost"));
  CHECK(std::chrono::steady_clock::now() - start < patience);
  CHECK_FALSE(peer.is_open());
}

TEST_CASE("a server that is back is found again") {
  auto server = std::make_unique<fake_server>();
  const auto port = server->port();
  int connected = 0;
  connection peer{server->address(), [&](const std::string& where) {
                    ++connected;
                    CHECK(where == "127.0.0.1:" + std::to_string(port));
                  }};
  CHECK_FALSE(peer.is_open());
  CHECK(peer.find("db0"));
  CHECK(peer.find("db0"));
  CHECK(connected == 1);

  server.reset();
  auto gone = peer.find("db0");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == not_connected);
  auto refused = peer.find("db0");
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().reason.text(),
                 "no troupe server answers on 127.0.0.1:"));

  server = std::make_unique<fake_server>(port);
  CHECK(peer.find("db0"));
  CHECK(connected == 2);
}

TEST_CASE("an actor that is no supervisor is refused") {
  fake_config config;
  caf::actor_system system{config};
  auto other = system.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](const std::string&) {}};
  });
  troupe::detail::console_gate gate{
    system, [&] {
      return troupe::detail::shown_actor{
        caf::actor_cast<caf::strong_actor_ptr>(other), {"other"}};
    }};
  const auto port = gate.open(troupe::console_port{0, "127.0.0.1", password});
  REQUIRE(port);
  connection peer{
    {troupe::console_port{*port, "127.0.0.1", password}, patience}};
  auto result = peer.open();
  REQUIRE_FALSE(result);
  CHECK(result.error().code == not_connected);
  CHECK(contains(result.error().reason.text(), "it publishes something else"));
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
}

TEST_CASE("a console with a wrong password is told so") {
  fake_server server;
  connection peer{
    {troupe::console_port{server.port(), "127.0.0.1", "a guess"}, patience}};
  auto result = peer.open();
  REQUIRE_FALSE(result);
  CHECK(result.error().code == not_connected);
  CHECK(contains(result.error().reason.text(), "the password is wrong"));
  CHECK(contains(result.error().reason.text(), "TROUPE_CONSOLE_PASSWORD"));
}

TEST_CASE("an address is written with its port") {
  CHECK(to_string(troupe::console_address{troupe::console_port{.port = 6381}})
        == "127.0.0.1:6381");
  CHECK(to_string(troupe::console_address{
          troupe::console_port{.port = 1, .host = "::1"}})
        == "[::1]:1");
  CHECK(to_string(troupe::console_address{troupe::console_socket{"/tmp/x"}})
        == "/tmp/x");
}
