#include <troupe/actors/config.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <caf/actor_system.hpp>

#include "catch.hpp"
#include "scratch_folder.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

/// The outcome of a command line and the content of an ini file.
expected<runtime_options> parse(std::vector<std::string> args,
                                const std::string& ini = "") {
  config cfg;
  std::istringstream file{ini};
  if (auto ok = cfg.parse(std::move(args), file); !ok)
    return tl::unexpected{std::move(ok.error())};
  return read_options(cfg);
}

} // namespace

TEST_CASE("a configuration without arguments has the defaults") {
  auto options = parse({});
  REQUIRE(options);
  CHECK(options->shards == 0);
  CHECK(options->loader_threads == defaults::loader_threads);
  CHECK(options->loader_queue == defaults::loader_queue);
  CHECK(options->op_timeout == defaults::op_timeout);
  CHECK(options->load_timeout == defaults::load_timeout);
  CHECK(options->queue_timeout == defaults::queue_timeout);
  CHECK(options->drain_deadline == defaults::drain_deadline);
  CHECK(options->restart_limit == defaults::restart_limit);
  CHECK(options->restart_window == defaults::restart_window);
  CHECK(options->failed_shards == failed_shards::serve);
}

TEST_CASE("every option can be set on the command line") {
  auto options
    = parse({"--troupe.shards=32", "--troupe.loader-threads=8",
             "--troupe.loader-queue=100", "--troupe.op-timeout=250ms",
             "--troupe.load-timeout=5s", "--troupe.queue-timeout=7s",
             "--troupe.drain-deadline=2s", "--troupe.restart-limit=3",
             "--troupe.restart-window=1min", "--troupe.failed-shards=absent"});
  REQUIRE(options);
  CHECK(options->shards == 32);
  CHECK(options->loader_threads == 8);
  CHECK(options->loader_queue == 100);
  CHECK(options->op_timeout == 250ms);
  CHECK(options->load_timeout == 5s);
  CHECK(options->queue_timeout == 7s);
  CHECK(options->drain_deadline == 2s);
  CHECK(options->restart_limit == 3);
  CHECK(options->restart_window == 1min);
  CHECK(options->failed_shards == failed_shards::absent);
}

TEST_CASE("a program can set an option of the runtime as one of CAF's") {
  config cfg;
  cfg.set("troupe.drain-deadline", caf::timespan{50ms});
  cfg.set("troupe.shards", 8);
  cfg.set("troupe.failed-shards", "absent");
  auto options = read_options(cfg);
  REQUIRE(options);
  CHECK(options->drain_deadline == 50ms);
  CHECK(options->shards == 8);
  CHECK(options->failed_shards == failed_shards::absent);
  cfg.set("troupe.shards", 3);
  CHECK(read_options(cfg).error() == errc::invalid_argument);
}

TEST_CASE("an unknown option, section or key gets a suggestion") {
  const auto refusal
    = [](std::vector<std::string> args, const std::string& ini = "") {
        auto options = parse(std::move(args), ini);
        REQUIRE_FALSE(options);
        return options.error().text();
      };
  CHECK(refusal({"--troupe.shard=4"})
        == "unknown option --troupe.shard=4; did you mean '--troupe.shards'?");
  CHECK(refusal({"--troupe.op-timout=1s"})
        == "unknown option --troupe.op-timout=1s; did you mean "
           "'--troupe.op-timeout'?");
  CHECK(refusal({"--frobnicate"}) == "unknown option --frobnicate");
  CHECK(refusal({}, "[tropue]\nshards=4\n")
          .find("[tropue] in line 1 of the ini file; did you mean 'troupe'?; ")
        != std::string::npos);
  CHECK(refusal({}, "[troupe]\nmax-byte=4\n")
        == "unknown option troupe.max-byte in line 2 of the ini file; did you "
           "mean 'max-bytes'?");
}

TEST_CASE("the command line wins over the ini file") {
  auto options
    = parse({"--troupe.shards=64"}, "[troupe]\nshards=16\nop-timeout=3s\n");
  REQUIRE(options);
  CHECK(options->shards == 64);
  CHECK(options->op_timeout == 3s);
}

TEST_CASE("a bad option is refused and named") {
  struct mistake {
    std::string argument;
    std::string named;
  };
  for (auto& [argument, named] : std::vector<mistake>{
         {"--bogus", "--bogus"},
         {"--logger.verbosity=debug", "built without its logger"},
         {"--troupe.sharks=3", "--troupe.sharks"},
         {"--troupe.shards=x", "--troupe.shards=x"},
         {"--troupe.shards=-1", "--troupe.shards=-1"},
         {"--troupe.failed-shards=gone", "allowed: serve, absent"},
         {"--troupe.shards=7", "troupe.shards"},
         {"--troupe.shards=512", "troupe.shards"},
         {"--troupe.op-timeout=1us", "--troupe.op-timeout=1us"},
         {"--troupe.max-bytes=9223372036854775808", "--troupe.max-bytes"},
         {"--scheduler.max-threads=0", "allowed: 1 to 1024"},
         {"--work-stealing.relaxed-steal-interval=0", "allowed: 1"},
         {"--stream.max-batch-delay=0s", "above 0s"},
         {"--troupe.op-timeout=0s", "troupe.op-timeout"},
         {"--troupe.load-timeout=0s", "troupe.load-timeout"},
         {"--troupe.drain-deadline=0s", "troupe.drain-deadline"},
         {"--troupe.restart-window=0s", "troupe.restart-window"},
         {"--troupe.restart-limit=99999999999", "troupe.restart-limit"},
         {"--troupe.loader-threads=0", "troupe.loader-threads"},
         {"--troupe.loader-threads=100000", "troupe.loader-threads"},
         {"--troupe.loader-queue=0", "troupe.loader-queue"}}) {
    auto options = parse({argument});
    INFO(argument);
    REQUIRE_FALSE(options);
    CHECK(options.error() == errc::invalid_argument);
    CHECK(options.error().text().find(named) != std::string::npos);
  }
}

TEST_CASE("a bad ini file is refused and the place named") {
  for (auto& [ini, named] : std::vector<std::pair<std::string, std::string>>{
         {"[troupe]\nshards=4\n\n sharks = 3\n",
          "unknown option troupe.sharks in line 4 of the ini file"},
         {"; c\n[srever]\nport=1\n",
          "unknown section [srever] in line 2 of the ini file; there are "},
         {"[logger]\nverbosity='debug'\n",
          "[logger] in line 1 of the ini file does nothing"},
         {"[troupe]\nop-timeout=1500us\n", "line 2"},
         {"[troupe]\nshards=7\n", "troupe.shards"},
         {"[troupe]\nshards=\"many\"\n", "shards"},
         {"[troupe\n", "line"}}) {
    auto options = parse({}, ini);
    INFO(ini);
    REQUIRE_FALSE(options);
    CHECK(options.error() == errc::invalid_argument);
    CHECK(options.error().text().find(named) != std::string::npos);
  }
}

TEST_CASE("a value of a wrong kind in an ini file is refused with its place") {
  for (auto& [ini, text] : std::vector<std::pair<std::string, std::string>>{
         {"[troupe]\nshards=\"many\"\n",
          "--troupe.shards=many in line 2 of the ini file: allowed: a power"},
         {"[troupe]\n\nop-timeout=soon\n",
          "--troupe.op-timeout=soon in line 3 of the ini file: allowed: "
          "1ms to 36500d (examples: "},
         {"[scheduler]\nmax-threads=1.5\n",
          "--scheduler.max-threads=1.5 in line 2 of the ini file: allowed: 1 "
          "to 1024"}}) {
    auto options = parse({}, ini);
    INFO(ini);
    REQUIRE_FALSE(options);
    INFO(options.error().text());
    CHECK(options.error() == errc::invalid_argument);
    CHECK(options.error().text().find(text) == 0);
  }
}

TEST_CASE("options that a program declares in CAF's way read like ours") {
  struct program : config {
    program() {
      opt_group{custom_options_, "?app"}
        .add(size, "cache-size", "bytes of its cache")
        .add(time, "patience", "how long it waits")
        .add(name, "name", "its name")
        .add(flag, "fast,f", "whether it hurries")
        .add(list, "list", "some words");
    }

    std::size_t size = 1;
    caf::timespan time{0};
    std::string name;
    bool flag = false;
    std::vector<std::string> list;
  };
  program uut;
  std::istringstream file{
    "[app]\nname = no quotes # needed\ncache-size=64kb\nfast=yes\n"
    "list=[\"a\", \"b\"]\n"};
  REQUIRE(uut.parse({"--patience", "2d"}, file));
  CHECK(uut.size == 64 << 10);
  CHECK(uut.time == 48h);
  CHECK(uut.name == "no quotes");
  CHECK(uut.flag);
  CHECK(uut.list == std::vector<std::string>{"a", "b"});
  CHECK(caf::get_or(uut, "app.name", std::string{}) == "no quotes");
  CHECK(uut.help_text(false).find("--cache-size=SIZE") != std::string::npos);
  program other;
  std::istringstream none;
  REQUIRE(other.parse({"-f", "--patience=50us"}, none));
  CHECK(other.flag);
  CHECK(other.time == 50us);
  CHECK(other.parse({"--cache-size=-1"}, none)
          .error()
          .text()
          .find("--cache-size=-1: allowed: 0 and more")
        == 0);
}

TEST_CASE("a dump of the configuration tells no secret") {
  config cfg;
  std::istringstream none;
  REQUIRE(cfg.parse({"--openssl.passphrase=geheim"}, none));
  CHECK(caf::get_or(cfg, "openssl.passphrase", std::string{}) == "geheim");
  auto dumped = cfg.dump_content();
  CHECK(caf::get_or(dumped, "openssl.passphrase", std::string{}) == "***");
  config plain;
  REQUIRE(plain.parse({}, none));
  // That there is none is no secret.
  CHECK(
    caf::get_or(plain.dump_content(), "openssl.passphrase", std::string{"x"})
      .empty());
}

TEST_CASE("a second configuration file is refused, however it is spelled") {
  scratch_folder scratch;
  const auto good = scratch.path + "/good.ini";
  const auto bad = scratch.path + "/bad.ini";
  std::ofstream{good} << "[troupe]\nshards=2\n";
  std::ofstream{bad} << "[troupe]\nshards=4\n";
  const auto refusal = [](std::vector<std::string> args) {
    args.insert(args.begin(), "program");
    std::vector<char*> words;
    for (auto& x : args)
      words.push_back(x.data());
    config cfg;
    auto ok = cfg.parse(static_cast<int>(words.size()), words.data());
    return ok ? cfg.config_file_path + ":"
                  + std::to_string(read_options(cfg).value().shards)
              : ok.error().text();
  };
  CHECK(refusal({"--config-file=" + good}) == good + ":2");
  CHECK(refusal({"--caf#config-file=" + good}) == good + ":2");
  for (const std::string option : {"--config-file=", "--caf#config-file="})
    CHECK(refusal({"--config-file=" + good, option + bad})
          == "--config-file names a second file, " + bad
               + "; only one is read");
  CHECK(refusal({"--config-file", good}) == good + ":2");
  CHECK(refusal({"--config-file"}).find("--config-file=FILE")
        != std::string::npos);
  CHECK(refusal({"--config-file="}).find("write --config-file=FILE")
        != std::string::npos);
  // A file says nothing about which file is read.
  std::ofstream{good, std::ios::app} << "[global]\nconfig-file=\"x.ini\"\n";
  CHECK(refusal({"--config-file=" + good}).find("x.ini") == std::string::npos);
  const auto fifo = scratch.path + "/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (const std::string option : {"--config-file=", "--caf#config-file="})
    CHECK(refusal({option + fifo}).find("it is not a regular file")
          != std::string::npos);
  CHECK(refusal({"--config-file=" + scratch.path}).find("it is a directory")
        != std::string::npos);
  CHECK(
    refusal({"--config-file=" + scratch.path + "/none"}).find("No such file")
    != std::string::npos);
}

TEST_CASE("CAF's own port for peers is refused, wherever it is asked for") {
  const std::string option = "middleman.enable-automatic-connections";
  CHECK(parse({"--" + option}).error().text().find(option) == 0);
  CHECK(parse({}, "[middleman]\nenable-automatic-connections=true\n")
          .error()
          .text()
          .find(option)
        == 0);
  CHECK(parse({}, "[middleman]\nenable-automatic-connections=false\n"));
  config cfg;
  cfg.set("middleman.enable-automatic-connections", true);
  CHECK(read_options(cfg).error() == errc::invalid_argument);
}

TEST_CASE("what is no option is left to the program") {
  config cfg;
  std::istringstream none;
  REQUIRE(cfg.parse({"--troupe.shards=16", "file"}, none));
  CHECK(cfg.remainder == std::vector<std::string>{"file"});
}

TEST_CASE("a configuration of another class may have our options") {
  caf::actor_system_config foreign;
  CHECK(read_options(foreign)->shards == 0);
  put(foreign.content, "troupe.shards", 64);
  CHECK(read_options(foreign)->shards == 64);
  put(foreign.content, "troupe.shards", 65);
  CHECK(read_options(foreign).error() == errc::invalid_argument);
}

TEST_CASE("networking is loaded only when asked for") {
  config plain;
  CHECK_FALSE(caf::actor_system{plain}.has_middleman());
  config remote;
  remote.enable_remote();
  CHECK(caf::actor_system{remote}.has_middleman());
}
