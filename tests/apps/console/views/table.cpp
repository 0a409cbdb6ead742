#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>

#include <troupe/messages/interface_forms.hpp>

#include "apps/console/text/table.hpp"
#include "apps/console/views/actor_tree.hpp"
#include "apps/console/views/message_views.hpp"
#include "apps/console/views/load_views.hpp"
#include "apps/console/views/views.hpp"

using namespace troupe::console;
using namespace std::chrono_literals;
using troupe::actor_info;
using troupe::actor_list;

namespace {

std::size_t widest(const std::string& text) {
  std::size_t result = 0;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    result = std::max(result, line.size());
  return result;
}

actor_info actor(std::string name, std::string parent, std::string kind,
                 std::uint64_t handled = 0, std::string state = "running") {
  actor_info result;
  result.name = std::move(name);
  result.parent = std::move(parent);
  result.kind = std::move(kind);
  result.state = std::move(state);
  result.handled = handled;
  result.bytes = 600 * handled;
  result.keys = handled;
  return result;
}

actor_list two_regions() {
  return {{actor("supervisor", "", "supervisor"),
           actor("load-coordinator", "supervisor", "load-coordinator", 3),
           actor("db0", "supervisor", "region"),
           actor("users", "supervisor", "region"),
           actor("db0/shard-0", "db0", "shard", 1000),
           actor("db0/shard-1", "db0", "shard", 2000),
           actor("users/shard-0", "users", "shard", 5, "restarting")}};
}

} // namespace

TEST_CASE("a table aligns its columns") {
  table x{{{"NAME"}, {"N", alignment::right}, {"NOTE"}}};
  x.add({"a", "1", "first"});
  x.add({"longer", "1,000", ""});
  x.add({"short row"});
  CHECK(x.rows() == 3);
  CHECK(x.render(0)
        == "NAME           N  NOTE\n"
           "a              1  first\n"
           "longer     1,000\n"
           "short row\n");
}

TEST_CASE("a table that is too wide shortens, then leaves out columns") {
  table x{{{"NAME", alignment::left, true},
           {"MANDATORY"},
           {"FIRST TO GO", alignment::left, false, 2},
           {"SECOND", alignment::left, false, 1}}};
  const std::string name = "a-name-of-forty-characters-with-the-end!";
  x.add({name, "m", "f", "s"});
  CHECK(x.render(0).find(name) != std::string::npos);

  // 40 + 9 + 11 + 6 characters and three gaps.
  CHECK(x.render(72) == x.render(0));
  auto shorter = x.render(60);
  CHECK(widest(shorter) == 60);
  CHECK(shorter.find("FIRST TO GO") != std::string::npos);
  CHECK(shorter.find("a-name-of-for...ith-the-end!") != std::string::npos);

  auto without_first = x.render(50);
  CHECK(widest(without_first) <= 50);
  CHECK(without_first.find("FIRST TO GO") == std::string::npos);
  CHECK(without_first.find("SECOND") != std::string::npos);

  auto bare = x.render(19);
  CHECK(bare == "NAME      MANDATORY\na-n...d!  m\n");
  CHECK(x.render(1) == bare);
}

TEST_CASE("a shortened text keeps both ends") {
  CHECK(shortened("short", 5) == "short");
  CHECK(shortened("shorter", 6) == "sh...r");
  CHECK(shortened("shorter", 4) == "shor");
  CHECK(shortened("shorter", 0).empty());
}

TEST_CASE("the tree indents children below their parents") {
  auto rows = tree_of(two_regions());
  REQUIRE(rows.size() == 7);
  CHECK(rows[2].actor.name == "db0");
  CHECK(rows[3].actor.name == "db0/shard-0");
  CHECK(rows[3].depth == 2);
  CHECK(rows[5].actor.name == "users");
  CHECK(rows[6].depth == 2);
}

TEST_CASE("actors without a listed parent still get a row") {
  // What a prefix leaves over, and what only a broken peer could send.
  auto rows = tree_of({{actor("db0/shard-1", "db0", "shard"),
                        actor("me", "me", "region"), actor("a", "b", "region"),
                        actor("b", "a", "region"), actor("b", "a", "region")}});
  CHECK(rows.size() == 5);
  CHECK(rows[0].depth == 0);
  CHECK(tree_of({}).empty());
}

TEST_CASE("shards are added up in their region's row") {
  CHECK(text_of(two_regions(), false, 0)
        == "ACTOR               STATE                        MAILBOX  "
           "HANDLED  RESTARTS   MEMORY   KEYS\n"
           "supervisor          running                            0  "
           "      0         0      0 B      0\n"
           "  load-coordinator  running                            0  "
           "      3         0  1.8 KiB      3\n"
           "  db0 (2 shards)    running                            0  "
           "  3,000         0  1.7 MiB  3,000\n"
           "  users (1 shard)   running, 1 shard restarting        0  "
           "      5         0  2.9 KiB      5\n");
}

TEST_CASE("all shards have rows when asked for, within the width") {
  auto text = text_of(two_regions(), true, 0);
  CHECK(text.find("    db0/shard-1") != std::string::npos);
  CHECK(text.find("restarting") != std::string::npos);
  for (std::size_t width : {100U, 80U, 60U, 40U, 30U}) {
    CAPTURE(width);
    auto narrow = text_of(two_regions(), true, width);
    CHECK(widest(narrow) <= width);
    CHECK(narrow.find("RESTARTS") != std::string::npos);
  }
}

TEST_CASE("figures are shown with units") {
  troupe::runtime_stat x;
  x.version = "1.2.3";
  x.uptime = 3min + 12s;
  x.process_id = 4711;
  x.resident_bytes = 12 << 20U;
  x.cpu_milliseconds = 1500;
  x.cpu_permille = 123;
  x.cpu_window = 9'400ms;
  x.threads = 9;
  x.open_files = 40;
  x.file_limit = 1024;
  x.actors = 35;
  x.regions.push_back({"db0", "bytes", 32, 1234567, 64 << 20U, 5, 1});
  CHECK(text_of(x, 80)
        == "troupe    1.2.3, process 4711, up 3m12s\n"
           "memory    12.0 MiB resident\n"
           "cpu       12.3 % of a processor over the last 9s, 1.5s of user and "
           "system time\n"
           "threads   9\n"
           "files     40 open of 1,024\n"
           "actors    35\n"
           "\n"
           "REGION  VALUES  SHARDS       KEYS    MEMORY  HANDLED  RESTARTS\n"
           "db0     bytes       32  1,234,567  64.0 MiB        5         1\n");
  x.regions[0].undecodable = 12;
  CHECK(text_of(x, 80).ends_with("RESTARTS  UNDECODABLE\n"
                                 "db0     bytes       32  1,234,567  64.0 MiB  "
                                 "      5         1           12\n"));
  x.regions[0].undecodable = 0;
  x.regions[0].namespaces.push_back(
    {"a b:", 1000, 5 << 20U, 64 << 20U, 0, 7, 16, "s3fifo"});
  x.regions[0].namespaces.push_back({"img:", 1, 96, 0, 2500, 0, 2, "none"});
  CHECK(text_of(x, 80).ends_with(
    "\n"
    "NAMESPACE  REGION  SHARDS   KEYS  CHARGED     LIMIT  MOST KEYS  EVICTED\n"
    "\"a b:\"     db0         16  1,000  5.0 MiB  64.0 MiB       none        "
    "7\n"
    "img:       db0          2      1     96 B      none      2,500        "
    "0\n"));
  x.regions.clear();
  x.services.push_back({"topics", "topics", {{"channels", 1200}, {"x y", 0}}});
  x.services.push_back({"limits", "limits", {}});
  CHECK(text_of(x, 80).ends_with("actors    35\n"
                                 "\n"
                                 "SERVICE  FIGURE    VALUE\n"
                                 "topics   channels  1,200\n"
                                 "topics   \"x y\"         0\n"));
  x.services.clear();
  x.draining = true;
  CHECK(text_of(x, 80).ends_with("state     draining\n"));
}

TEST_CASE("loads show their keys escaped, and how many are not shown") {
  CHECK(text_of(troupe::load_list{}, 80) == "no loads in flight\n");
  troupe::load_list x;
  x.loads.push_back(
    {7, "db0", std::string{"a b\x00", 4}, 1500ms, 28s, 2, 3, true});
  x.total = 1001;
  CHECK(text_of(x, 80)
        == "LOAD  REGION  KEY         AGE  LEFT  ATTEMPT  WAITERS  FENCED\n"
           "   7  db0     \"a b\\x00\"  1.5s   28s        2        3  yes\n"
           "... and 1,000 more\n");
}

TEST_CASE("breakers show when they let a load through") {
  CHECK(text_of(troupe::breaker_list{}, 80) == "no circuit breakers\n");
  const troupe::breaker_list x{
    {{"db", "open", 5, 2, 1200, 4s}, {"the search", "closed", 0, 0, 0, 0s}}, 2};
  CHECK(text_of(x, 80)
        == "BREAKER       STATE   FAILURES  LEFT  OPENED  REFUSED\n"
           "db            open           5    4s       2    1,200\n"
           "\"the search\"  closed         0     -       0        0\n");
  CHECK(json_of(x).text().starts_with(
    R"({"breakers":[{"name":"db","state":"open","failures":5,)"));
}

TEST_CASE("errors show their code and what happened") {
  CHECK(text_of(failure{failed, {troupe::errc::unknown_load, "no load 7"}})
        == "error: unknown_load: no load 7\n");
  CHECK(text_of(failure{not_connected, {troupe::errc::system_error, "gone"}})
        == "error: gone\n");
  CHECK(
    json_of(failure{not_connected, {troupe::errc::system_error, "gone"}}).text()
    == R"({"error":"not_connected","text":"gone"})");
}

TEST_CASE("colours take no room") {
  table uut{{{"STATE"}, {"N", alignment::right}}};
  uut.add({cell{"failed", tone::bad}, "1"});
  uut.add({cell{"up", tone::good}, "22"});
  CHECK(uut.render(0) == "STATE    N\nfailed   1\nup      22\n");
  CHECK(
    uut.render(0, true)
    == "STATE    N\n\033[31mfailed\033[0m   1\n\033[32mup\033[0m      22\n");
}

TEST_CASE("states have a tone") {
  CHECK(tone_of_state("running") == tone::good);
  CHECK(tone_of_state("running, 1 shard failed") == tone::bad);
  CHECK(tone_of_state("running, 2 shards restarting") == tone::warning);
  CHECK(tone_of_state("stopped") == tone::plain);
  CHECK(painted_complaint("error: x") == "\033[31merror:\033[0m x");
  CHECK(painted_complaint("Try it\n") == "Try it\n");
}

TEST_CASE("subscribers have a column of their own") {
  troupe::actor_list all;
  all.actors.resize(2);
  all.actors[0].name = "db0";
  all.actors[1].name = "topics/channel/x";
  CHECK(table_of(tree_of(all)).render(0).find("SUBSCRIBERS")
        == std::string::npos);
  all.actors[1].kind = "topic";
  all.actors[1].subscribers = 42;
  all.omitted = 7;
  const auto text = text_of(all, true, 0);
  CHECK(text.find("SUBSCRIBERS") != std::string::npos);
  CHECK(text.find(" 42\n") != std::string::npos);
  CHECK(text.find("... and 7 more rows\n") != std::string::npos);
}

TEST_CASE("messages fit a narrow terminal without losing a field") {
  const auto& forms = troupe::forms_of("region");
  const auto wide = text_of(forms, 0);
  CHECK(wide.starts_with("MESSAGE"));
  const auto narrow = text_of(forms, 80);
  CHECK(widest(narrow) <= 80);
  CHECK(narrow.starts_with("get key:text -> found, value, version\n"));
  for (const auto& form : forms)
    for (const auto& field : form.fields) {
      CHECK(wide.find(field.text()) != std::string::npos);
      CHECK(narrow.find(field.text()) != std::string::npos);
    }
}
