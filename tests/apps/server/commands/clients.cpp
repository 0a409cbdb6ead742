// CLIENT: the lines of CLIENT LIST, whom CLIENT KILL meets, CLIENT REPLY.

#include <memory>
#include <string>
#include <vector>

#include "apps/server/fixture.hpp"
#include "apps/server/state/client_registry.hpp"
#include "catch.hpp"

using troupe::server::client_record;

namespace {

const std::string ok = "+OK\r\n";

// The fixture's own client, number 7, and three others.
struct clients_fixture : command_fixture {
  clients_fixture() {
    self.record = add(self.id);
    add(8);
    add(9)->channels = 2;
    add(10);
  }

  std::shared_ptr<client_record> add(std::uint64_t id) {
    auto x = std::make_shared<client_record>();
    x->id = id;
    x->address = "192.0.2.1:" + std::to_string(id);
    x->local_address = "192.0.2.9:6380";
    x->cut = [this, id] { cut.push_back(id); };
    state.clients.add(x);
    return x;
  }

  // The numbers of the clients that a listing shows.
  std::vector<std::uint64_t> listed(const std::string& text) {
    std::vector<std::uint64_t> result;
    for (auto at = text.find("id="); at != std::string::npos;
         at = text.find("\nid=", at + 1))
      result.push_back(std::stoull(text.substr(text.find('=', at) + 1)));
    return result;
  }

  std::vector<std::uint64_t> cut;
};

using numbers = std::vector<std::uint64_t>;

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("CLIENT INFO tells what a client is and does", "[server][clients]") {
  clients_fixture run;
  CHECK(run("CLIENT SETNAME me\nCLIENT SETINFO lib-name lib\nSELECT 3")
        == ok + ok + ok);
  CHECK(run("CLIENT SETINFO LIB-VER 1.2\nCLIENT NO-EVICT on") == ok + ok);
  const auto text = run("CLIENT INFO");
  for (const auto* part :
       {"id=7 addr=192.0.2.1:7 laddr=192.0.2.9:6380 fd=-1 name=me age=0 idle=0 "
        "flags=e db=3 sub=0 psub=0 ssub=0 multi=-1 ",
        " cmd=client|info user=default ", " resp=2 lib-name=lib lib-ver=1.2\n"})
    CHECK(mentions(text, part));
  CHECK(run("CLIENT INFO x").rfind("-ERR wrong number of arguments", 0) == 0);
  CHECK(run("RESET") == "+RESET\r\n");
  CHECK(mentions(run("CLIENT INFO"), " name= "));
  run("HELLO 3 SETNAME you");
  CHECK(run("CLIENT INFO").rfind("=", 0) == 0);
  CHECK(mentions(run("CLIENT INFO"), " name=you "));
}

TEST_CASE("CLIENT SETINFO refuses blanks", "[server][clients]") {
  clients_fixture run;
  CHECK(run("CLIENT SETINFO lib-name 'a b'").rfind("-ERR lib-name cannot", 0)
        == 0);
  CHECK(run("CLIENT SETINFO lib-ver 'a b'").rfind("-ERR lib-ver cannot", 0)
        == 0);
  CHECK(run("CLIENT SETINFO foo a") == "-ERR Unrecognized option 'foo'\r\n");
}

TEST_CASE("CLIENT LIST shows those asked for", "[server][clients]") {
  clients_fixture run;
  CHECK(run.listed(run("CLIENT LIST")) == numbers{7, 8, 9, 10});
  CHECK(run.listed(run("CLIENT LIST ID 8 10 99")) == numbers{8, 10});
  CHECK(run.listed(run("CLIENT LIST TYPE normal")) == numbers{7, 8, 10});
  CHECK(run.listed(run("CLIENT LIST TYPE PubSub")) == numbers{9});
  CHECK(run("CLIENT LIST TYPE master") == bulk(""));
  CHECK(run("CLIENT LIST TYPE foo") == "-ERR Unknown client type 'foo'\r\n");
  CHECK(run("CLIENT LIST ID x") == "-ERR Invalid client ID\r\n");
  for (const auto* line : {"CLIENT LIST foo", "CLIENT LIST ID",
                           "CLIENT LIST TYPE", "CLIENT LIST TYPE normal x"})
    CHECK(run(line) == "-ERR syntax error\r\n");
}

TEST_CASE("CLIENT KILL by address ends one client", "[server][clients]") {
  clients_fixture run;
  CHECK(run("CLIENT KILL 192.0.2.1:8") == ok);
  CHECK(run.cut == numbers{8});
  CHECK(run("CLIENT KILL 192.0.2.1:8") == "-ERR No such client\r\n");
  CHECK(run.listed(run("CLIENT LIST")) == numbers{7, 9, 10});
  CHECK(!run.self.leaving);
  CHECK(run("CLIENT KILL 192.0.2.1:7") == ok);
  CHECK(run.self.leaving);
}

TEST_CASE("CLIENT KILL ends those that meet every condition",
          "[server][clients]") {
  clients_fixture run;
  CHECK(run("CLIENT KILL ID 99") == ":0\r\n");
  CHECK(run("CLIENT KILL ID 8 ADDR 192.0.2.1:9") == ":0\r\n");
  CHECK(run("CLIENT KILL ID 8 ADDR 192.0.2.1:8 USER default") == ":1\r\n");
  CHECK(run("CLIENT KILL TYPE pubsub") == ":1\r\n");
  CHECK(run.cut == numbers{8, 9});
  CHECK(run("CLIENT KILL ID 7") == ":0\r\n");
  CHECK(!run.self.leaving);
  CHECK(run("CLIENT KILL LADDR 192.0.2.9:6380 SKIPME no") == ":2\r\n");
  CHECK(run.cut == numbers{8, 9, 10});
  CHECK(run.self.leaving);
}

TEST_CASE("CLIENT KILL names what it does not understand",
          "[server][clients]") {
  clients_fixture run;
  for (const auto* line : {"CLIENT KILL ID", "CLIENT KILL foo bar",
                           "CLIENT KILL ID 8 ADDR", "CLIENT KILL SKIPME maybe"})
    CHECK(run(line)
          == (std::string{line} == "CLIENT KILL ID" ? "-ERR No such client\r\n"
                                                    : "-ERR syntax error\r\n"));
  for (const auto* line :
       {"CLIENT KILL ID 0", "CLIENT KILL ID -1", "CLIENT KILL ID x"})
    CHECK(run(line) == "-ERR client-id should be greater than 0\r\n");
  CHECK(run("CLIENT KILL TYPE foo") == "-ERR Unknown client type 'foo'\r\n");
  CHECK(run("CLIENT KILL USER foo") == "-ERR No such user 'foo'\r\n");
  CHECK(run.cut.empty());
}

TEST_CASE("CLIENT REPLY drops what is not wanted", "[server][clients]") {
  clients_fixture run;
  CHECK(run("CLIENT REPLY ON") == ok);
  CHECK(run("CLIENT REPLY foo") == "-ERR syntax error\r\n");
  CHECK(run("CLIENT REPLY SKIP\nPING\nPING 1") == bulk("1"));
  CHECK(run("CLIENT REPLY SKIP\nCLIENT REPLY SKIP\nPING 1\nPING 2")
        == bulk("2"));
  CHECK(run("CLIENT REPLY SKIP\nCLIENT REPLY ON\nPING 1") == ok + bulk("1"));
  CHECK(run("CLIENT REPLY SKIP\nGET a\nGET a\nGET a") == "$-1\r\n$-1\r\n");
  CHECK(
    run("CLIENT REPLY OFF\nPING\nfoo\nGET a\nGET a\nCLIENT REPLY SKIP\nPING")
      .empty());
  CHECK(run("SET k v").empty());
  CHECK(run("CLIENT REPLY ON\nGET k") == ok + bulk("v"));
  CHECK(run("CLIENT REPLY OFF\nRESET\nPING 1") == "+RESET\r\n" + bulk("1"));
  CHECK(run("MULTI\nCLIENT REPLY OFF\nEXEC")
        == ok
             + "+QUEUED\r\n*1\r\n-ERR CLIENT REPLY is not allowed in "
               "transactions\r\n");
}
