#include "apps/resp/parser.hpp"

#include <string>
#include <vector>

#include "apps/resp/spelled.hpp"
#include "catch.hpp"

using troupe::resp::command_batch;
using troupe::resp::parser;
using troupe::resp::parser_limits;
using status = parser::status;

namespace {

using words = std::vector<std::string>;

// Feeds a parser the way a connection does: what was not consumed comes again,
// at a new address, with more behind it.
class feeder {
public:
  explicit feeder(parser_limits limits = {}) : parser_(limits) {
    // nop
  }

  status feed(std::string_view more) {
    auto moved = rest_ + std::string{more};
    rest_.swap(moved);
    for (;;) {
      command_batch batch;
      const auto result = parser_.parse(rest_, batch, 3);
      for (std::size_t i = 0; i < batch.size(); ++i)
        commands.emplace_back(batch[i].begin(), batch[i].end());
      rest_.erase(0, result.consumed);
      if (result.state != status::full)
        return result.state;
    }
  }

  [[nodiscard]] const std::string& error() const {
    return parser_.error();
  }

  [[nodiscard]] std::size_t kept() const {
    return rest_.size();
  }

  std::vector<words> commands;

private:
  parser parser_;
  std::string rest_;
};

std::vector<words> parse(std::string_view input) {
  feeder uut;
  CHECK(uut.feed(input) == status::starved);
  CHECK(uut.kept() == 0);
  return uut.commands;
}

std::string failure(std::string_view input, parser_limits limits = {}) {
  feeder uut{limits};
  REQUIRE(uut.feed(input) == status::broken);
  return uut.error();
}

} // namespace

TEST_CASE("a command is an array of bulk strings of any content",
          "[server][parser]") {
  CHECK(parse("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        == std::vector<words>{{"GET", "k"}});
  CHECK(parse(resp({"SET", std::string("a\0\r\n$5", 6), ""}))
        == std::vector<words>{{"SET", std::string("a\0\r\n$5", 6), ""}});
  const std::string large(100'000, 'x');
  CHECK(parse(resp({"SET", "k", large}))
        == std::vector<words>{{"SET", "k", large}});
}

TEST_CASE("empty arrays and empty lines are no commands", "[server][parser]") {
  CHECK(parse("*0\r\n*-1\r\n*-9223372036854775808\r\n\r\n\n  \r\n").empty());
  CHECK(parse("*0\r\n" + resp({"PING"})) == std::vector<words>{{"PING"}});
}

TEST_CASE("a stream that is cut anywhere gives the same commands",
          "[server][parser]") {
  const auto stream = resp({"SET", "key", std::string("v\r\n\0*", 5)})
                      + "PING \"a\\x41 b\" 'c\\'d'\r\n" + "*0\r\n"
                      + resp({"MGET", "", "a", "bcdefghijklmnop"})
                      + "get key\n\r\n" + resp({std::string(12'345, 'z')})
                      + resp({"QUIT"});
  const auto expected = parse(stream);
  REQUIRE(expected.size() == 6);
  SECTION("into two pieces at every byte") {
    for (std::size_t i = 0; i <= stream.size(); ++i) {
      feeder uut;
      REQUIRE(uut.feed(stream.substr(0, i)) == status::starved);
      REQUIRE(uut.feed(stream.substr(i)) == status::starved);
      REQUIRE(uut.commands == expected);
      REQUIRE(uut.kept() == 0);
    }
  }
  SECTION("into pieces of every small size") {
    for (std::size_t size = 1; size < 40; ++size) {
      feeder uut;
      for (std::size_t i = 0; i < stream.size(); i += size)
        REQUIRE(uut.feed(stream.substr(i, size)) == status::starved);
      REQUIRE(uut.commands == expected);
    }
  }
}

TEST_CASE("after a reset the incomplete command is read from its first byte",
          "[server][parser]") {
  const auto command = resp({"SET", "key", "value"});
  for (std::size_t i = 0; i < command.size(); ++i) {
    parser uut;
    command_batch batch;
    REQUIRE(uut.parse({command.data(), i}, batch).consumed == 0);
    uut.reset();
    REQUIRE(uut.parse(command, batch).consumed == command.size());
    REQUIRE(batch.size() == 1);
    REQUIRE(words(batch[0].begin(), batch[0].end())
            == words{"SET", "key", "value"});
  }
}

TEST_CASE("a batch takes no more commands than asked for", "[server][parser]") {
  std::string stream;
  for (int i = 0; i < 10; ++i)
    stream += resp({"PING"});
  parser uut;
  command_batch batch;
  const auto first = uut.parse(stream, batch, 4);
  CHECK(first.state == status::full);
  CHECK(batch.size() == 4);
  CHECK(first.consumed == stream.size() / 10 * 4);
  CHECK(batch.offset(1) == stream.size() / 10);
  batch.clear();
  const auto second
    = uut.parse(std::string_view{stream}.substr(first.consumed), batch, 100);
  CHECK(second.state == status::starved);
  CHECK(batch.size() == 6);
}

TEST_CASE("inline commands follow the quoting rules of Redis",
          "[server][parser]") {
  CHECK(parse("PING\r\n") == std::vector<words>{{"PING"}});
  CHECK(parse("  set \t a   b \n") == std::vector<words>{{"set", "a", "b"}});
  CHECK(parse("a \"b c\" 'd e'\n") == std::vector<words>{{"a", "b c", "d e"}});
  CHECK(parse(R"(a "\x41\x7a\n\t\"\\q" 'x\'y\n')"
              "\n")
        == std::vector<words>{{"a", "Az\n\t\"\\q", "x'y\\n"}});
  CHECK(parse("a b\"c d\"\n") == std::vector<words>{{"a", "bc d"}});
  CHECK(parse("a \"\"\n") == std::vector<words>{{"a", ""}});
  CHECK(parse(std::string("a b\0c\n", 6))
        == std::vector<words>{{"a", std::string("b\0c", 3)}});
  CHECK(failure("a \"b\n") == "Protocol error: unbalanced quotes in request");
  CHECK(failure("a \"b\"c\n")
        == "Protocol error: unbalanced quotes in request");
  CHECK(failure("a 'b\n") == "Protocol error: unbalanced quotes in request");
}

TEST_CASE("lengths that are no numbers break the stream", "[server][parser]") {
  const std::string multibulk = "Protocol error: invalid multibulk length";
  for (const auto* line :
       {"*\r\n", "*a\r\n", "*1a\r\n", "*+1\r\n", "*01\r\n", "*-0\r\n",
        "* 1\r\n", "*1 \r\n", "*--1\r\n", "*99999999999999999999\r\n", "*1\rX"})
    CHECK(failure(line) == multibulk);
  const std::string bulk_length = "Protocol error: invalid bulk length";
  for (const auto* line : {"$\r\n", "$a\r\n", "$-1\r\n", "$01\r\n", "$1x\r\n",
                           "$ 1\r\n", "$18446744073709551616\r\n", "$4\rX"})
    CHECK(failure(std::string{"*1\r\n"} + line) == bulk_length);
  CHECK(failure("*1\r\nPING\r\n") == "Protocol error: expected '$', got 'P'");
  CHECK(failure("*1\r\n$4\r\nPINGxx")
        == "Protocol error: invalid bulk terminator");
}

TEST_CASE("limits hold before the bytes arrive", "[server][parser]") {
  parser_limits limits;
  limits.arguments = 10;
  limits.bulk = 100;
  limits.line = 50;
  limits.command = 500;
  CHECK(failure("*11\r\n", limits)
        == "Protocol error: invalid multibulk length");
  CHECK(failure("*1\r\n$101\r\n", limits)
        == "Protocol error: invalid bulk length");
  CHECK(failure(std::string(51, 'a'), limits)
        == "Protocol error: too big inline request");
  CHECK(failure(std::string(51, 'a') + "\n", limits)
        == "Protocol error: too big inline request");
  CHECK(failure("*" + std::string(60, '1'), limits)
        == "Protocol error: too big mbulk count string");
  CHECK(failure("*1\r\n$" + std::string(60, '1'), limits)
        == "Protocol error: too big bulk count string");
  CHECK(failure("*1\r\n" + std::string(60, 'x'), limits)
        == "Protocol error: too big bulk count string");
  std::string large = "*10\r\n";
  for (int i = 0; i < 6; ++i)
    large += bulk(std::string(100, 'x'));
  CHECK(failure(large, limits) == "Protocol error: too big command");
}

TEST_CASE("a declared length costs no memory", "[server][parser]") {
  // Would be 512 MiB a piece, if anything were reserved for them.
  std::vector<feeder> uuts(1000);
  for (auto& uut : uuts) {
    CHECK(uut.feed("*1048576\r\n$536870912\r\nabc") == status::starved);
    CHECK(uut.kept() < 64);
  }
}

TEST_CASE("commands before a broken one are delivered", "[server][parser]") {
  feeder uut;
  CHECK(uut.feed(resp({"PING"}) + "*x\r\n") == status::broken);
  CHECK(uut.commands == std::vector<words>{{"PING"}});
}

TEST_CASE("a command of many arguments arrives in pieces", "[server][parser]") {
  words command{"MGET"};
  for (int i = 0; i < 20'000; ++i)
    command.push_back("key:" + std::to_string(i));
  const auto stream = resp(command);
  feeder uut;
  for (std::size_t i = 0; i < stream.size(); i += 1000)
    REQUIRE(uut.feed(stream.substr(i, 1000)) == status::starved);
  REQUIRE(uut.commands.size() == 1);
  CHECK(uut.commands[0] == command);
}

TEST_CASE("what keeps track of many arguments counts for the command's size",
          "[server][parser]") {
  parser_limits limits;
  limits.command = 32 * 1000;
  std::string input = "*2147483647\r\n";
  for (int i = 0; i < 1000; ++i)
    input += "$1\r\nk\r\n";
  SECTION("at once") {
    feeder uut{limits};
    CHECK(uut.feed(input) == status::starved);
    CHECK(uut.feed("$1\r\nk\r\n") == status::broken);
  }
  SECTION("in pieces") {
    feeder uut{limits};
    for (std::size_t i = 0; i < input.size(); i += 100)
      REQUIRE(uut.feed(input.substr(i, 100)) == status::starved);
    CHECK(uut.feed("$1\r\nk\r\n") == status::broken);
  }
  SECTION("more than Redis allows are refused when they are announced") {
    CHECK(failure("*2147483648\r\n")
          == "Protocol error: invalid multibulk length");
  }
}

TEST_CASE("an argument may be taken out of the input", "[server][parser]") {
  const std::string large(1000, 'x');
  parser uut;
  command_batch batch;
  std::string input = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*4\r\n$3\r\nSET\r\n"
                      "$3\r\nkey\r\n$1000\r\nxxx";
  auto result = uut.parse(input, batch);
  REQUIRE(result.state == status::starved);
  REQUIRE(batch.size() == 1);
  input.erase(0, result.consumed);
  const auto awaited = uut.awaited();
  REQUIRE(awaited);
  CHECK(input.substr(awaited->offset) == "xxx");
  CHECK(awaited->size == 1000);
  input.resize(awaited->offset);
  const auto words_of = [&batch](std::size_t i) {
    return words(batch[i].begin(), batch[i].end());
  };
  const words expected{"SET", "key", large, "NX"};
  SECTION("and stands in the command") {
    uut.supply(large, true);
    CHECK(!uut.awaited());
    batch.clear();
    CHECK(uut.parse(input, batch).state == status::starved);
    CHECK(batch.empty());
    input += "$2\r\nN";
    CHECK(uut.parse(input, batch).state == status::starved);
    // The input is parsed again from its beginning.
    SECTION("at once") {}
    SECTION("also when what was parsed is forgotten") {
      uut.reset();
      CHECK(uut.parse(input, batch).state == status::starved);
    }
    input += "X\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n";
    result = uut.parse(input, batch);
    CHECK(result.consumed == input.size());
    REQUIRE(batch.size() == 2);
    CHECK(words_of(0) == expected);
    CHECK(batch[0][2].data() == large.data());
    CHECK(words_of(1) == words{"GET", "b"});
    // Another command in its place has its own argument.
    uut.forget_supplied();
    batch.clear();
    const auto other = resp({"SET", "key", std::string(1000, 'y'), "NX"});
    CHECK(uut.parse(other, batch).consumed == other.size());
    CHECK(batch[0][2] == std::string(1000, 'y'));
  }
  SECTION("with the line break that belongs behind it") {
    uut.supply(large, false);
    input += "$2\r\nNX\r\n";
    CHECK(uut.parse(input, batch).state == status::broken);
    CHECK(uut.error() == "Protocol error: invalid bulk terminator");
  }
}

TEST_CASE("arguments that were taken out count for the command's size",
          "[server][parser]") {
  parser_limits limits;
  limits.command = 3000;
  parser uut{limits};
  command_batch batch;
  const std::string large(2000, 'x');
  std::string input = "*4\r\n$4\r\nMSET\r\n$1\r\nk\r\n$2000\r\n";
  REQUIRE(uut.parse(input, batch).state == status::starved);
  REQUIRE(uut.awaited());
  uut.supply(large, true);
  input += "$2000\r\n";
  REQUIRE(uut.parse(input, batch).state == status::starved);
  // Both together are too much: it comes in the input, and no further.
  CHECK(!uut.awaited());
  input += std::string(990, 'y');
  CHECK(uut.parse(input, batch).state == status::broken);
  CHECK(uut.error() == "Protocol error: too big command");
}

TEST_CASE("a stranger may not send much", "[server][parser]") {
  const auto error = [](const std::string& input) {
    parser uut;
    uut.trust(false);
    command_batch batch;
    return uut.parse(input, batch).state == parser::status::broken ? uut.error()
                                                                   : "";
  };
  CHECK(error("*11\r\n") == "Protocol error: unauthenticated multibulk length");
  CHECK(error("*2\r\n$4\r\nAUTH\r\n$16385\r\n")
        == "Protocol error: unauthenticated bulk length");
  CHECK(error("*10\r\n$4\r\nAUTH\r\n$16384\r\n").empty());
}
