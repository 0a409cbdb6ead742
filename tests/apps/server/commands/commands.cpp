// The commands in process: no sockets, and a clock that the test owns. That
// replies are those of Redis, byte by byte, is tested in server_e2e.py.

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

const std::string ok = "+OK\r\n";
const std::string none = "$-1\r\n";
const std::string syntax_error = "-ERR syntax error\r\n";
const std::string one = ":1\r\n";
const std::string zero = ":0\r\n";

} // namespace

TEST_CASE("SET stores what GET finds", "[server][commands]") {
  command_fixture run;
  CHECK(run("GET k") == none);
  CHECK(run("SET k v") == ok);
  CHECK(run("get k") == bulk("v"));
  const std::string binary("\0\r\n\xff$", 5);
  CHECK(run.run({"SET", binary, binary}) == ok);
  CHECK(run.run({"GET", binary}) == bulk(binary));
}

TEST_CASE("SET keeps its conditions", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v XX") == none);
  CHECK(run("GET k") == none);
  CHECK(run("SET k v nx") == ok);
  CHECK(run("SET k w NX") == none);
  CHECK(run("GET k") == bulk("v"));
  CHECK(run("SET k w xX") == ok);
  CHECK(run("GET k") == bulk("w"));
}

TEST_CASE("SET with a TTL expires exactly then", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET a 1 EX 10") == ok);
  CHECK(run("SET b 1 px 10") == ok);
  CHECK(run("SETEX c 10 1") == ok);
  CHECK(run("PSETEX d 10 1") == ok);
  CHECK(run("PTTL a") == ":10000\r\n");
  CHECK(run("TTL a") == ":10\r\n");
  CHECK(run("PTTL b") == ":10\r\n");
  run.time.advance(9ms);
  CHECK(run("EXISTS a b c d") == ":4\r\n");
  run.time.advance(1ms);
  CHECK(run("MGET a b c d") == "*4\r\n" + bulk("1") + none + bulk("1") + none);
  run.time.advance(9'989ms);
  CHECK(run("EXISTS a c") == ":2\r\n");
  run.time.advance(1ms);
  CHECK(run("EXISTS a c") == zero);
}

TEST_CASE("a client's TTL is not jittered, the server's is",
          "[server][commands]") {
  troupe::region_options options;
  options.ttl = 100s;
  options.jitter = 0.5;
  command_fixture run{options};
  CHECK(run("SET a 1 EX 10") == ok);
  CHECK(run("PTTL a") == ":10000\r\n");
  CHECK(run("SET b 1") == ok);
  const auto ttl = std::stoi(run("PTTL b").substr(1));
  CHECK(ttl >= 50'000);
  CHECK(ttl <= 100'000);
}

TEST_CASE("options of SET that contradict each other change nothing",
          "[server][commands]") {
  command_fixture run;
  REQUIRE(run("SET k v") == ok);
  for (const auto* line : {"SET k w NX XX", "SET k w EX", "SET k w EX 1 PX 1",
                           "SET k w KEEPTTL EX 1", "SET k w PX 1 KEEPTTL",
                           "SET k w FOO", "SET k w EX 1 EXAT 1", "SET k w 1"})
    CHECK(run(line) == syntax_error);
  for (const auto* line : {"SET k w EX a", "SET k w PX 1.5", "SET k w EX ''"})
    CHECK(run(line) == "-ERR value is not an integer or out of range\r\n");
  for (const auto* line :
       {"SET k w EX 0", "SET k w PX -1", "SET k w EX 9223372036854775807",
        "SET k w PX 9223372036854775807"})
    CHECK(run(line) == "-ERR invalid expire time in 'set' command\r\n");
  CHECK(run("GET k") == bulk("v"));
  CHECK(run("TTL k") == ":-1\r\n");
}

TEST_CASE("SET with GET replies what it replaced", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k 1 GET") == none);
  CHECK(run("SET k 2 GET EX 10") == bulk("1"));
  CHECK(run("SET k 3 NX GET") == bulk("2"));
  CHECK(run("SET k 4 XX GET KEEPTTL") == bulk("2"));
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("GET k") == bulk("4"));
  CHECK(run("SET other 1 XX GET") == none);
  CHECK(run("EXISTS other") == zero);
}

TEST_CASE("KEEPTTL keeps the deadline, a plain SET drops it",
          "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v EX 10") == ok);
  CHECK(run("SET k w KEEPTTL") == ok);
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("SET k x") == ok);
  CHECK(run("TTL k") == ":-1\r\n");
}

TEST_CASE("a moment that has passed removes the key", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v") == ok);
  CHECK(run("SET k w EXAT 1") == ok);
  CHECK(run("EXISTS k") == zero);
  CHECK(run("SET k w NX PXAT 1") == ok);
  CHECK(run("SET k w XX PXAT 1") == none);
  CHECK(run("SET k v") == ok);
  CHECK(run("SET k w NX PXAT 1") == none);
  CHECK(run("SET k w GET PXAT 1") == bulk("v"));
  CHECK(run("EXISTS k") == zero);
  for (const auto* line : {"EXPIRE k 0", "PEXPIRE k -1", "EXPIREAT k 1",
                           "EXPIRE k -9223372036854775"}) {
    CHECK(run("SET k v") == ok);
    CHECK(run(line) == one);
    CHECK(run("EXISTS k") == zero);
    CHECK(run(line) == zero);
  }
}

TEST_CASE("EXPIRE honours its conditions", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v") == ok);
  CHECK(run("EXPIRE k 10 XX") == zero);
  CHECK(run("EXPIRE k 10 GT") == zero);
  CHECK(run("EXPIRE k 10 NX") == one);
  CHECK(run("EXPIRE k 20 nx") == zero);
  CHECK(run("EXPIRE k 10 GT") == zero);
  CHECK(run("EXPIRE k 20 GT") == one);
  CHECK(run("EXPIRE k 20 LT") == zero);
  CHECK(run("EXPIRE k 15 LT") == one);
  CHECK(run("EXPIRE k 16 XX") == one);
  CHECK(run("TTL k") == ":16\r\n");
  CHECK(run("GET k") == bulk("v"));
  CHECK(run("EXPIRE k -1 NX") == zero);
  CHECK(run("EXPIRE k -1 LT") == one);
  CHECK(run("EXISTS k") == zero);
  CHECK(run("EXPIRE k 10 NX") == zero);
}

TEST_CASE("PERSIST takes the deadline away", "[server][commands]") {
  command_fixture run;
  CHECK(run("PERSIST k") == zero);
  CHECK(run("SET k v EX 10") == ok);
  CHECK(run("PERSIST k") == one);
  CHECK(run("PERSIST k") == zero);
  CHECK(run("TTL k") == ":-1\r\n");
  run.time.advance(1h);
  CHECK(run("GET k") == bulk("v"));
}

TEST_CASE("a TTL beyond a hundred years is cut to that", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v EX 9223372036854775")
        == "-ERR invalid expire time in "
           "'set' command\r\n");
  CHECK(run("SET k v EX 9000000000000000") == ok);
  CHECK(run("TTL k") == ":3153600000\r\n");
  CHECK(run("EXPIRE k 9000000000000000") == one);
}

TEST_CASE("numbers count up and down", "[server][commands]") {
  command_fixture run;
  CHECK(run("INCR n") == one);
  CHECK(run("INCRBY n 41") == ":42\r\n");
  CHECK(run("DECR n") == ":41\r\n");
  CHECK(run("DECRBY n -1") == ":42\r\n");
  CHECK(run("GET n") == bulk("42"));
  CHECK(run("EXPIRE n 10") == one);
  CHECK(run("INCR n") == ":43\r\n");
  CHECK(run("TTL n") == ":10\r\n");
  const std::string not_an_integer
    = "-ERR value is not an integer or out of range\r\n";
  for (const auto* value : {"abc", "1.5", "+1", "9223372036854775808"}) {
    CHECK(run.run({"SET", "n", value}) == ok);
    CHECK(run("INCR n") == not_an_integer);
    CHECK(run("GET n") == bulk(value));
  }
  CHECK(run("INCRBY n x") == not_an_integer);
  CHECK(run("SET n 9223372036854775807") == ok);
  CHECK(run("INCR n") == "-ERR increment or decrement would overflow\r\n");
  CHECK(run("DECRBY n -9223372036854775808")
        == "-ERR decrement would overflow\r\n");
  CHECK(run("GET n") == bulk("9223372036854775807"));
}

TEST_CASE("several keys at once", "[server][commands]") {
  command_fixture run;
  CHECK(run("MSET a 1 b 2 a 3") == ok);
  CHECK(run("MGET a b c a")
        == "*4\r\n" + bulk("3") + bulk("2") + none + bulk("3"));
  CHECK(run("EXISTS a a b c") == ":3\r\n");
  CHECK(run("DBSIZE") == ":2\r\n");
  CHECK(run("DEL a a c") == one);
  CHECK(run("UNLINK b") == one);
  CHECK(run("DBSIZE") == zero);
  CHECK(run("MSET a 1 b")
        == "-ERR wrong number of arguments for 'mset' command\r\n");
  CHECK(run("DBSIZE") == zero);
  CHECK(run("MSET a 1 b 2") == ok);
  CHECK(run("FLUSHALL") == ok);
  CHECK(run("DBSIZE") == zero);
  CHECK(run("FLUSHDB maybe") == syntax_error);
}

TEST_CASE("sizes are checked before anything changes", "[server][commands]") {
  troupe::region_options options;
  options.max_key_size = 8;
  options.max_value_size = 16;
  command_fixture run{options};
  const std::string large_key(9, 'k');
  const std::string large_value(17, 'v');
  CHECK(run("SET a 1") == ok);
  for (const auto& reply :
       {run.run({"SET", large_key, "1"}), run.run({"GET", large_key}),
        run.run({"MGET", "a", large_key}), run.run({"EXISTS", "a", large_key}),
        run.run({"DEL", "a", large_key}), run.run({"INCR", large_key}),
        run.run({"MSET", "a", "2", large_key, "1"}),
        run.run({"EXPIRE", large_key, "1"}), run.run({"TTL", large_key}),
        run.run({"EXPIRE", large_key, "1", "NX"}),
        run.run({"SET", large_key, "1", "GET"})})
    CHECK(reply.rfind("-ERR key is too large: ", 0) == 0);
  for (const auto& reply : {run.run({"SET", "a", large_value}),
                            run.run({"SETNX", "b", large_value}),
                            run.run({"MSET", "a", "2", "b", large_value}),
                            run.run({"SET", "a", large_value, "GET"})})
    CHECK(reply.rfind("-ERR value is too large: ", 0) == 0);
  CHECK(run("GET a") == bulk("1"));
  CHECK(run("DBSIZE") == one);
}

TEST_CASE("pipelined reads run together and see the writes before them",
          "[server][commands]") {
  command_fixture run;
  std::string input;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const auto key = std::to_string(i % 10);
    input += resp({"GET", key}) + resp({"get", "missing"}) + resp({"GET", key});
    const auto value = i < 10 ? none : bulk(std::to_string(i - 10));
    expected += value + none + value;
    if (i % 3 == 0)
      input += resp({"GET", key, "extra"}),
        expected += "-ERR wrong number of arguments for 'get' command\r\n";
    input += resp({"SET", key, std::to_string(i)});
    expected += ok;
  }
  CHECK(run.send(input) == expected);
}

TEST_CASE("a refused key among pipelined reads costs only its own reply",
          "[server][commands]") {
  troupe::region_options options;
  options.max_key_size = 8;
  command_fixture run{options};
  CHECK(run("SET a 1") == ok);
  const auto reply = run.send(resp({"GET", "a"}) + resp({"GET", "a"})
                              + resp({"GET", std::string(9, 'k')})
                              + resp({"GET", "a"}) + resp({"GET", "b"}));
  const auto refusal = reply.find('-');
  REQUIRE(refusal != std::string::npos);
  CHECK(reply.substr(0, refusal) == bulk("1") + bulk("1"));
  CHECK(reply.substr(reply.find('\n', refusal) + 1) == bulk("1") + none);
}

TEST_CASE("a pipeline of large values stops where it should be sent",
          "[server][commands]") {
  command_fixture run;
  const std::string value(100'000, 'v');
  REQUIRE(run.run({"SET", "k", value}) == ok);
  std::string input;
  for (int i = 0; i < 100; ++i)
    input += resp({"GET", "k"});
  troupe::resp::command_batch batch;
  troupe::resp::parser parser;
  parser.parse(input, batch);
  REQUIRE(batch.size() == 100);
  troupe::server::executor uut{run.state, run.state.threads.front()};
  std::size_t rounds = 0;
  for (std::size_t next = 0; next < batch.size(); ++rounds) {
    troupe::net::byte_buffer out;
    troupe::resp::reply_writer reply{out};
    const auto before = next;
    next = uut.run(batch, next, run.self, reply);
    CHECK(next > before);
    CHECK(out.size() < troupe::server::defaults::flush_size + 100'100);
    CHECK(out.size() == (next - before) * bulk(value).size());
  }
  CHECK(rounds > 30);
}

TEST_CASE("an MGET beyond the limit of a reply is refused",
          "[server][commands]") {
  command_fixture run;
  run.state.options.max_reply = 1000;
  REQUIRE(run.run({"SET", "k", std::string(300, 'v')}) == ok);
  CHECK(run("MGET k k k").size() > 900);
  CHECK(run("MGET k k k k").rfind("-ERR the reply is larger than 1000", 0)
        == 0);
  CHECK(run("GET k").size() > 300);
}

TEST_CASE("what is unknown is named", "[server][commands]") {
  command_fixture run;
  CHECK(run("foo a b")
        == "-ERR unknown command 'foo', with args beginning with: 'a' 'b' "
           "\r\n");
  CHECK(run.run({"foo\r\n", "a\nb"})
        == "-ERR unknown command 'foo  ', with args beginning with: 'a b' "
           "\r\n");
  CHECK(run("client foo")
        == "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
  CHECK(run("GET") == "-ERR wrong number of arguments for 'get' command\r\n");
  CHECK(run("CLIENT id x")
        == "-ERR wrong number of arguments for 'client|id' command\r\n");
  const auto reply = run.run(
    {std::string(500, 'f'), std::string(100, 'a'), std::string(100, 'b'), "c"});
  CHECK(reply
        == "-ERR unknown command '" + std::string(128, 'f')
             + "', with args beginning with: '" + std::string(100, 'a') + "' '"
             + std::string(25, 'b') + "' \r\n");
}

TEST_CASE("connection commands", "[server][commands]") {
  command_fixture run;
  CHECK(run("PING") == "+PONG\r\n");
  CHECK(run("PING 'a b'") == bulk("a b"));
  CHECK(run("ECHO x") == bulk("x"));
  CHECK(run("SELECT 0") == ok);
  CHECK(run("SELECT 16") == "-ERR DB index is out of range\r\n");
  CHECK(run("CLIENT ID") == ":7\r\n");
  CHECK(run("CLIENT GETNAME") == none);
  CHECK(run("CLIENT SETNAME me") == ok);
  CHECK(run("CLIENT SETNAME 'a b'").rfind("-ERR Client names", 0) == 0);
  CHECK(run("CLIENT GETNAME") == bulk("me"));
  CHECK(run("CLIENT SETINFO lib-name x") == ok);
  CHECK(run("HELLO 4") == "-NOPROTO unsupported protocol version\r\n");
  CHECK(run("HELLO 2 SETNAME you").rfind("*14\r\n$6\r\nserver\r\n", 0) == 0);
  CHECK(run("CLIENT GETNAME") == bulk("you"));
  CHECK(run("RESET") == "+RESET\r\n");
  CHECK(run("CLIENT GETNAME") == none);
  CHECK(!run.self.leaving);
  CHECK(run.send("QUIT\nPING\n") == ok + "+PONG\r\n");
  CHECK(run.self.leaving);
}

TEST_CASE("HELLO switches the protocol, RESET switches it back",
          "[server][commands]") {
  command_fixture run;
  CHECK(run("HELLO").rfind("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n", 0) == 0);
  const auto greeting = run("HELLO 3");
  CHECK(greeting.rfind("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n", 0) == 0);
  CHECK(greeting.find("$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n")
        != std::string::npos);
  CHECK(run("GET k") == "_\r\n");
  CHECK(run("GET k\nGET k") == "_\r\n_\r\n");
  CHECK(run("CONFIG GET save") == "%1\r\n" + bulk("save") + bulk(""));
  CHECK(run("INFO cluster")
        == "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
  CHECK(run("COMMAND INFO get").find("~2\r\n+readonly\r\n")
        != std::string::npos);
  // Without a version it stays as it is.
  CHECK(run("HELLO").rfind("%7\r\n", 0) == 0);
  CHECK(run("HELLO 2").rfind("*14\r\n", 0) == 0);
  CHECK(run("GET k") == none);
  CHECK(run("HELLO 3").rfind("%7\r\n", 0) == 0);
  CHECK(run("RESET\nGET k") == "+RESET\r\n" + none);
}

TEST_CASE("HELLO with an error changes nothing", "[server][commands]") {
  command_fixture run;
  for (const auto* line :
       {"HELLO 3 SETNAME me SETNAME", "HELLO 3 SETNAME me AUTH nobody x",
        "HELLO 3 SETNAME me foo", "HELLO 3 SETNAME 'a b'", "HELLO 4 SETNAME me",
        "HELLO x SETNAME me"})
    CHECK(run(line).rfind("-", 0) == 0);
  CHECK(run("CLIENT GETNAME") == none);
  CHECK(run("HELLO 3 AUTH default x SETNAME me").rfind("%7\r\n", 0) == 0);
  CHECK(run("CLIENT GETNAME") == bulk("me"));
}

TEST_CASE("INFO shows the sections asked for", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v") == ok);
  const auto all = run("INFO");
  for (const auto* field :
       {"redis_version:7.", "troupe_version:", "process_id:",
        "uptime_in_seconds:", "connected_clients:", "used_memory:",
        "db0:keys=1,", "loading:0", "role:master", "tcp_port:"})
    CHECK(all.find(field) != std::string::npos);
  const auto clients = run("INFO CLIENTS");
  CHECK(clients.find("connected_clients:") != std::string::npos);
  CHECK(clients.find("redis_version") == std::string::npos);
  CHECK(run("INFO nosuch") == bulk(""));
}

TEST_CASE("COMMAND and CONFIG answer what clients ask at start",
          "[server][commands]") {
  command_fixture run;
  const auto count = std::to_string(troupe::server::all_commands().size());
  CHECK(run("COMMAND COUNT") == ":" + count + "\r\n");
  CHECK(run("COMMAND").rfind("*" + count + "\r\n*10\r\n", 0) == 0);
  CHECK(run("COMMAND LIST").rfind("*" + count + "\r\n$", 0) == 0);
  CHECK(run("COMMAND LIST FILTERBY PATTERN GE?") == "*1\r\n" + bulk("get"));
  CHECK(run("COMMAND INFO get nosuch").rfind("*2\r\n*10\r\n$3\r\nget\r\n:2", 0)
        == 0);
  CHECK(run("COMMAND DOCS nosuch") == "*0\r\n");
  CHECK(run("COMMAND DOCS get").rfind("*2\r\n$3\r\nget\r\n*6\r\n", 0) == 0);
  CHECK(run("CONFIG GET save") == "*2\r\n" + bulk("save") + bulk(""));
  CHECK(run("CONFIG GET nosuch") == "*0\r\n");
  CHECK(run("CONFIG SET port 1").rfind("-ERR CONFIG SET failed", 0) == 0);
  CHECK(run("CONFIG SET nosuch 1").rfind("-ERR Unknown option", 0) == 0);
}

TEST_CASE("a stopped region says so on the wire", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v") == ok);
  run.uut->stop();
  CHECK(run("SET k w") == "-ERR server is shutting down\r\n");
  CHECK(run("DEL k") == "-ERR server is shutting down\r\n");
}

TEST_CASE("MEMORY USAGE is what an entry is charged", "[server][commands]") {
  troupe::region_options options;
  options.shards = 1;
  command_fixture run{options};
  CHECK(run("MEMORY USAGE a") == none);
  REQUIRE(run("SET other 1") == ok);
  for (const std::size_t size : {0, 1, 64, 1000, 100'000, 2'000'000}) {
    const auto before = run.uut->stats().charged;
    REQUIRE(run.run({"SET", "a", std::string(size, 'v')}) == ok);
    const auto usage = run("MEMORY USAGE a");
    CHECK(usage
          == ":" + std::to_string(run.uut->stats().charged - before) + "\r\n");
    CHECK(run("memory usage a SAMPLES 0") == usage);
    REQUIRE(run("DEL a") == one);
    CHECK(run.uut->stats().charged == before);
  }
  REQUIRE(run("SET a 1") == ok);
  const auto kept = std::stoi(run("MEMORY USAGE a").substr(1));
  REQUIRE(run("SET a 1 EX 100") == ok);
  CHECK(std::stoi(run("MEMORY USAGE a").substr(1)) == kept + 8);
  CHECK(run("MEMORY USAGE a SAMPLES -1") == syntax_error);
  CHECK(run("MEMORY HELP").starts_with("*5\r\n+MEMORY <subcommand>"));
}
