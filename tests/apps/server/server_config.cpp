#include "apps/server/server_config.hpp"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"

using troupe::errc;
using troupe::expected;
using troupe::server::server_config;
using troupe::server::server_settings;
using namespace std::chrono_literals;

namespace {

expected<server_settings> settings(std::vector<std::string> args,
                                   const std::string& file = {}) {
  server_config uut;
  std::istringstream in{file};
  return uut.parse(std::move(args), in).and_then([&] {
    return uut.settings();
  });
}

std::string refusal(std::vector<std::string> args,
                    const std::string& file = {}) {
  const auto result = settings(std::move(args), file);
  REQUIRE(!result);
  CHECK(result.error() == errc::invalid_argument);
  return result.error().text();
}

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the server's defaults", "[server][config]") {
  const auto uut = settings({});
  REQUIRE(uut);
  CHECK(uut->serve.port == 6380);
  CHECK(uut->serve.bind == "127.0.0.1");
  CHECK(uut->serve.threads >= 1);
  CHECK(uut->serve.max_connections == 10'000);
  CHECK(uut->console.is_open);
  CHECK(uut->console.socket.empty());
  CHECK(!uut->console.port);
  CHECK(uut->drain_timeout == 10s);
  CHECK(uut->region.ttl == troupe::no_expiry);
  CHECK(uut->region.shards == 0);
  CHECK(uut->serve.databases == 16);
  CHECK(uut->serve.idle_timeout == 0s);
  CHECK(uut->serve.max_reply == 67'108'864);
  CHECK(uut->serve.limits.command == 1'073'741'824);
  CHECK(uut->region.max_key_size == 65'536);
  CHECK(uut->region.max_value_size == 536'870'912);
}

TEST_CASE("one core is left to others", "[server][config]") {
  namespace defaults = troupe::server::defaults;
  CHECK(defaults::threads(0) == 1);
  CHECK(defaults::threads(1) == 1);
  CHECK(defaults::threads(2) == 1);
  CHECK(defaults::threads(16) == 15);
  CHECK(settings({"--threads=0"})->serve.threads >= 1);
  CHECK(settings({"--threads=7"})->serve.threads == 7);
}

TEST_CASE("options come from the command line without a prefix",
          "[server][config]") {
  const auto uut
    = settings({"--port=0", "--bind=localhost", "--threads=3",
                "--max-connections=5", "--no-console", "--drain-timeout=1500ms",
                "--shards=8", "--ttl=2min", "--idle=30s", "--jitter=0.25",
                "--max-key-size=10", "--max-value-size=20"});
  REQUIRE(uut);
  CHECK(uut->serve.port == 0);
  CHECK(uut->serve.bind == "127.0.0.1");
  CHECK(uut->serve.threads == 3);
  CHECK(uut->serve.max_connections == 5);
  CHECK(!uut->console.is_open);
  CHECK(uut->drain_timeout == 1500ms);
  CHECK(uut->region.shards == 8);
  CHECK(uut->region.ttl == 2min);
  CHECK(uut->region.idle == 30s);
  CHECK(uut->region.jitter == 0.25);
  CHECK(uut->region.max_key_size == 10);
  CHECK(uut->region.max_value_size == 20);
}

TEST_CASE("namespaces are read from the command line and the file",
          "[server][config][namespaces]") {
  CHECK(settings({})->serve.namespaces.empty());
  const auto check_two = [](const expected<server_settings>& x) {
    REQUIRE(x);
    const auto& uut = x->serve.namespaces;
    REQUIRE(uut.size() == 2);
    CHECK(uut[0].prefix == "session:");
    CHECK(uut[0].max_bytes == 64 << 20);
    CHECK(!uut[0].eviction);
    CHECK(uut[1].prefix == "a=b:");
    CHECK(uut[1].max_bytes == 1'000'000);
    CHECK(uut[1].eviction == troupe::eviction_policy::none);
  };
  check_two(settings({"--namespaces=session:=64mb a=b:=1m,noeviction"}));
  check_two(settings(
    {}, "[server]\nnamespaces=\"  session:=64mb \ta=b:=1m,noeviction\"\n"));
  CHECK(mentions(refusal({"--namespaces=a:"}), "--namespaces=a:: a:: "));
  CHECK(mentions(refusal({"--namespaces==1mb"}), "empty"));
  CHECK(mentions(refusal({"--namespaces=a:=0"}), "above 0"));
  CHECK(mentions(refusal({"--namespaces=a:=1mb a:=1mb"}), "twice"));
  CHECK(mentions(refusal({"--namespaces=a:=1mb,lru"}), "allkeys-clock"));
  CHECK(mentions(refusal({"--namespaces=a:=10"}), "1024"));
  CHECK(mentions(refusal({"--namespaces=a:=1mb", "--max-key-size=1"}),
                 "keys have up to 1"));
}

TEST_CASE("the command line counts more than the file", "[server][config]") {
  const auto uut
    = settings({"--port=7"},
               "[server]\nport=8\nconsole-port=9\nconsole-password=\"a b\"\n");
  REQUIRE(uut);
  CHECK(uut->serve.port == 7);
  CHECK(uut->console.port == 9);
  CHECK(uut->console.password == "a b");
}

TEST_CASE("a console port without a password is refused", "[server][config]") {
  ::unsetenv("TROUPE_CONSOLE_PASSWORD");
  const auto text = refusal({"--console-port=0"});
  CHECK(mentions(text, "--console-port=0 without a password"));
  CHECK(mentions(text, "TROUPE_CONSOLE_PASSWORD"));
  CHECK(mentions(refusal({"--console-port=65536", "--console-password=x"}),
                 "--console-port=65536"));
  ::setenv("TROUPE_CONSOLE_PASSWORD", "inherited", 1);
  CHECK(settings({"--console-port=0"})->console.password == "inherited");
  ::unsetenv("TROUPE_CONSOLE_PASSWORD");
  CHECK(settings({"--console-socket=/tmp/x.sock"})->console.socket
        == "/tmp/x.sock");
}

TEST_CASE("options that make no sense are named", "[server][config]") {
  CHECK(mentions(refusal({"--prot=1"}), "--prot=1"));
  CHECK(mentions(refusal({"--port=65536"}), "--port=65536"));
  CHECK(mentions(refusal({"--port=x"}), "--port=x"));
  CHECK(settings({"--drain-timeout=10"})->drain_timeout == 10s);
  CHECK(mentions(refusal({"--drain-timeout=10us"}), "--drain-timeout=10us"));
  CHECK(mentions(refusal({"--drain-timeout=-1s"}), "--drain-timeout"));
  CHECK(mentions(refusal({"--idle=-1s"}), "--idle"));
  CHECK(mentions(refusal({"start"}), "start"));
  CHECK(mentions(refusal({"--threads=5000"}), "0 to 1024"));
  CHECK(mentions(refusal({"--max-connections=0"}), "1 to 4294967295"));
  CHECK(mentions(refusal({"--max-key-size=0"}), "--max-key-size"));
  CHECK(mentions(refusal({"--max-value-size=0"}), "--max-value-size"));
  CHECK(settings({"--timeout=90s"})->serve.idle_timeout == 90s);
  CHECK(settings({"--max-reply=2000000"})->serve.max_reply == 2'000'000);
  CHECK(mentions(refusal({"--timeout=-1s"}), "--timeout"));
  CHECK(mentions(refusal({"--client-query-buffer-limit=1"}),
                 "--client-query-buffer-limit=1"));
  CHECK(mentions(refusal({"--max-reply=1"}), "--max-reply=1"));
  CHECK(mentions(refusal({"--databases=0"}), "1 to 1024"));
  CHECK(mentions(refusal({"--shards=7"}), "power of two"));
  CHECK(mentions(refusal({"--jitter=1"}), "jitter"));
  CHECK(mentions(refusal({}, "[server]\nprot=1\n"), "prot"));
  CHECK(mentions(refusal({}, "[server]\nport=x\n"),
                 "--port=x in line 2 of the ini file: allowed: 0 to 65535"));
}

TEST_CASE("the password comes from an option, the file or the environment",
          "[server][config]") {
  CHECK(settings({})->serve.password.empty());
  CHECK(settings({"--password=a b"})->serve.password == "a b");
  CHECK(settings({}, "[server]\npassword=\"a\"\n")->serve.password == "a");
  ::setenv("TROUPE_PASSWORD", "inherited", 1);
  CHECK(settings({})->serve.password == "inherited");
  CHECK(settings({"--password=x"})->serve.password == "x");
  ::unsetenv("TROUPE_PASSWORD");
}

TEST_CASE("addresses that others could reach are refused", "[server][config]") {
  for (const auto* address : {"0.0.0.0", "::", "192.0.2.1", "2001:db8::1"})
    CHECK(mentions(refusal({std::string{"--bind="} + address}),
                   "without authentication"));
  CHECK(mentions(refusal({"--bind=nowhere"}), "not an IP address"));
  CHECK(mentions(refusal({"--bind=0.0.0.0"}), "TROUPE_PASSWORD"));
  CHECK(settings({"--bind=0.0.0.0", "--password=x"}));
  CHECK(
    mentions(refusal({"--bind=nowhere", "--password=x"}), "not an IP address"));
  CHECK(settings({"--bind=127.0.0.2"}));
  CHECK(settings({"--bind=::1"}));
}

TEST_CASE("TLS is off without a port and complete with one",
          "[server][config][tls]") {
  CHECK(!settings({})->serve.tls.port);
  CHECK(settings({})->serve.plain);
  CHECK(!settings({"--tls-port=-1"})->serve.tls.port);
  const auto uut = settings(
    {"--tls-port=0", "--tls-cert-file=c", "--tls-key-file=k",
     "--tls-ca-cert-file=a", "--tls-protocols=TLSv1.3", "--no-plain",
     "--tls-handshake-timeout=1500ms", "--tls-key-file-pass=secret"});
  REQUIRE(uut);
  const auto& tls = uut->serve.tls;
  CHECK(tls.port == 0);
  CHECK(tls.cert_file == "c");
  CHECK(tls.key_file == "k");
  CHECK(tls.ca_cert_file == "a");
  CHECK(tls.protocols == "TLSv1.3");
  CHECK(tls.key_file_pass == "secret");
  CHECK(tls.handshake_timeout == 1500ms);
  CHECK(uut->serve.wants_certificates());
  CHECK(!uut->serve.plain);
  CHECK(mentions(refusal({"--tls-port=1"}), "--tls-cert-file"));
  CHECK(mentions(refusal({"--tls-port=65536"}), "-1 to 65535"));
  CHECK(mentions(refusal({"--no-plain"}), "--tls-port"));
  CHECK(mentions(refusal({"--tls-handshake-timeout=0s"}), "1ms to 1h"));
  CHECK(mentions(refusal({"--tls-auth-clients=maybe"}), "maybe"));
}

TEST_CASE("the key's password may come from the environment",
          "[server][config][tls]") {
  ::setenv("TROUPE_TLS_KEY_FILE_PASS", "inherited", 1);
  CHECK(settings({})->serve.tls.key_file_pass == "inherited");
  CHECK(settings({"--tls-key-file-pass=x"})->serve.tls.key_file_pass == "x");
  ::unsetenv("TROUPE_TLS_KEY_FILE_PASS");
}

TEST_CASE("certificates of clients stand in for a password where all show them",
          "[server][config][tls]") {
  const std::vector<std::string> base
    = {"--bind=0.0.0.0", "--tls-port=0", "--tls-cert-file=c",
       "--tls-key-file=k", "--tls-ca-cert-file=a"};
  const auto with = [&base](std::vector<std::string> more) {
    more.insert(more.end(), base.begin(), base.end());
    return more;
  };
  CHECK(settings(with({"--no-plain"})));
  CHECK(settings(with({"--password=x"})));
  CHECK(mentions(refusal(with({})), "without authentication"));
  for (const auto* value : {"no", "optional"})
    CHECK(mentions(
      refusal(with({"--no-plain", std::string{"--tls-auth-clients="} + value})),
      "without authentication"));
}

TEST_CASE("sizes and times read alike on the command line and in the file",
          "[server][config]") {
  const auto check_all = [](const expected<server_settings>& x) {
    REQUIRE(x);
    CHECK(x->max_memory == 100 << 20);
    CHECK(x->serve.pubsub.bytes == 64 << 10);
    CHECK(x->serve.max_reply == 2 << 20);
    CHECK(x->region.max_value_size == 1 << 20);
    CHECK(x->serve.idle_timeout == 300s);
    CHECK(x->region.ttl == 48h);
    CHECK(x->drain_timeout == 250ms);
    CHECK(x->serve.start_values.at("ttl") == "2d");
    CHECK(x->serve.start_values.at("max-value-size") == "1048576");
  };
  check_all(
    settings({"--maxmemory", "100mb", "--pubsub-buffer=64kb", "--max-reply=2mb",
              "--max-value-size", "1048576", "--timeout", "300", "--ttl=2d",
              "--drain-timeout=250ms"}));
  check_all(settings({}, "[server]\nmaxmemory = 100mb ; all\n"
                         "pubsub-buffer=\"64kb\"\nmax-reply=2mb # one\n"
                         "max-value-size=1mb\ntimeout=5m\nttl=2d\n"
                         "drain-timeout=250ms\n"));
}

TEST_CASE("options have Redis's names, too", "[server][config]") {
  const auto uut = settings({"-p", "7000", "--requirepass", "a b"},
                            "[server]\nmaxclients=5\n");
  REQUIRE(uut);
  CHECK(uut->serve.port == 7000);
  CHECK(uut->serve.password == "a b");
  CHECK(uut->serve.max_connections == 5);
}

TEST_CASE("the file takes texts without quotes", "[server][config]") {
  const auto uut = settings({}, "# of two machines\n[server]\n"
                                "password=a#b;c ; mine\n"
                                "bind=127.0.0.1 -::1\nno-console=yes\n");
  REQUIRE(uut);
  CHECK(uut->serve.password == "a#b;c");
  CHECK(uut->serve.bind == "127.0.0.1 -::1");
  CHECK(!uut->console.is_open);
}

TEST_CASE("numbers of 2^63 and more are refused, and secrets not shown",
          "[server][config]") {
  for (const auto* option : {"threads", "max-connections", "maxmemory",
                             "troupe.max-bytes", "troupe.loader-queue"})
    for (const auto* number : {"9223372036854775808", "18446744073709551615"})
      CHECK(
        mentions(refusal({std::string{"--"} + option + "=" + number}),
                 std::string{"--"} + option + "=" + number + ": allowed: "));
  CHECK(mentions(refusal({}, "[server]\npassword=\"x\n"), "line 2"));
}

TEST_CASE("CAF's options cannot crash the program", "[server][config]") {
  CHECK(mentions(refusal({"--scheduler.max-threads=0"}), "1 to 1024"));
  CHECK(mentions(refusal({"--scheduler.policy=none"}), "stealing, sharing"));
  CHECK(mentions(refusal({"--scheduler.max-throughput=0"}), "allowed: 1"));
  CHECK(settings({"--scheduler.max-threads=2", "--scheduler.policy=sharing"}));
  server_config uut;
  CHECK(uut.help_text(false).find("scheduler") == std::string::npos);
  CHECK(uut.help_text(true).find("--scheduler.max-threads=N")
        != std::string::npos);
}
