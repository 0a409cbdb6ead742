// Fuzz target: whatever bytes a client sends, in whatever pieces, parsing ends
// in the same commands, and every command gets exactly one well-formed reply.
//
// As a libFuzzer program: clang++ -fsanitize=fuzzer,address with this file and
// the server's and the runtime's libraries. fuzz_resp_replay.cpp runs it with
// fixed seeds in every test run.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "apps/server/commands/executor.hpp"
#include "apps/server/fixture.hpp"

using namespace troupe::server;
using troupe::net::byte_buffer;
using troupe::resp::command_batch;
using troupe::resp::parser;
using troupe::resp::parser_limits;
using troupe::resp::reply_writer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

parser_limits small_limits() {
  parser_limits limits;
  limits.arguments = 64;
  limits.bulk = 512;
  limits.line = 256;
  limits.command = 2048;
  return limits;
}

struct outcome {
  std::vector<std::vector<std::string>> commands;
  bool broken = false;
  std::string error;

  friend bool operator==(const outcome&, const outcome&) = default;
};

// Gives the parser `piece` bytes more at a time, from a fresh copy each time so
// that a view into the old one would be noticed.
outcome parse(std::string_view input, std::size_t piece) {
  outcome result;
  parser reader{small_limits()};
  std::size_t consumed = 0;
  for (std::size_t end = 0; end < input.size() && !result.broken;) {
    end = std::min(input.size(), end + piece);
    for (;;) {
      const auto copy = std::make_unique<char[]>(end - consumed);
      const auto given = input.substr(consumed, end - consumed);
      given.copy(copy.get(), given.size());
      command_batch batch;
      const auto parsed = reader.parse({copy.get(), given.size()}, batch, 5);
      require(parsed.consumed <= given.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        require(!batch[i].empty());
        result.commands.emplace_back(batch[i].begin(), batch[i].end());
      }
      consumed += parsed.consumed;
      if (parsed.state == parser::status::full)
        continue;
      result.broken = parsed.state == parser::status::broken;
      break;
    }
  }
  result.error = reader.error();
  return result;
}

// Takes one RESP2 or RESP3 value off the front.
void skip_value(std::string_view& text) {
  require(!text.empty());
  const auto type = text.front();
  const auto end = text.find("\r\n");
  require(end != std::string_view::npos);
  const std::string line{text.substr(1, end - 1)};
  text.remove_prefix(end + 2);
  if (std::string_view{"+-:_,#"}.find(type) != std::string_view::npos)
    return;
  const auto length = std::atoll(line.c_str());
  if (type == '$' || type == '=') {
    if (length < 0)
      return;
    const auto size = static_cast<std::size_t>(length);
    require(text.size() >= size + 2 && text.substr(size, 2) == "\r\n");
    text.remove_prefix(size + 2);
    return;
  }
  require(type == '*' || type == '~' || type == '>' || type == '%');
  for (long long i = 0; i < (type == '%' ? 2 * length : length); ++i)
    skip_value(text);
}

// Never destroyed: the fixture's last checks belong to a test.
region_fixture& database() {
  static auto& instance = *new region_fixture;
  return instance;
}

void execute(std::string_view input) {
  server_state state;
  auto& counters = state.threads.emplace_back();
  state.topics = topics_over(database().loads);
  require(state.databases
            .start(1,
                   [](std::size_t) {
                     return troupe::expected<std::shared_ptr<troupe::region>>{
                       database().uut};
                   })
            .has_value());
  executor uut{state, counters};
  client self;
  make_client(self, 1, state);
  parser reader{small_limits()};
  auto more = true;
  while (more) {
    command_batch batch;
    const auto parsed = reader.parse(input, batch);
    for (std::size_t next = 0; next < batch.size();) {
      byte_buffer out;
      reply_writer reply{out};
      const auto before = next;
      next = uut.run(batch, next, self, reply);
      require(next > before);
      // A command that answers later is the last of its turn. The client gives it up.
      const auto answered = self.unfinished ? next - 1 : next;
      self.unfinished = nullptr;
      if (self.replies != reply_mode::on)
        continue;
      auto text = out.view();
      for (auto i = before; i < answered; ++i)
        skip_value(text);
      require(text.empty());
    }
    input.remove_prefix(parsed.consumed);
    more = parsed.state == parser::status::full;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto whole = parse(input, input.size());
  for (const std::size_t piece : {1, 2, 7, 64})
    require(parse(input, piece) == whole);
  execute(input);
  return 0;
}
