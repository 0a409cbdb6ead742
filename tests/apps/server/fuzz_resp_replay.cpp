// Runs the fuzz target over seeds and mutations of them, the same in each run.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "apps/server/commands/command_table.hpp"
#include "apps/server/fixture.hpp"
#include "catch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()),
                         input.size());
}

std::vector<std::string> seeds() {
  std::vector<std::string> result{
    "",
    "\r\n",
    "PING\r\n",
    "set a \"b \\x41\\n\" EX 10\r\nget a\r\n",
    "get 'a\\'b'\n",
    "*0\r\n*-1\r\n",
    "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n",
    "*1048577\r\n",
    "*64\r\n$512\r\n",
    "*1\r\n$513\r\n",
    "*2\r\n$3\r\nGET\r\n$-1\r\n",
    resp({"MSET", "a", "1", "b", "2"}) + resp({"MGET", "a", "b", "c"}),
    resp({"SET", "k", "v", "EX", "10", "NX", "GET"}),
    resp({"EXPIRE", "k", "10", "GT"}) + resp({"PERSIST", "k"}),
    resp({"INCRBY", "n", "9223372036854775807"}) + resp({"INCR", "n"}),
    resp({"HELLO", "2", "AUTH", "default", "x", "SETNAME", "y"}),
    resp({"COMMAND", "DOCS", "get"}) + resp({"CONFIG", "GET", "*[a-"}),
    resp({"CLIENT", "SETINFO", "lib-name", "x"}) + resp({"INFO", "all"}),
  };
  std::string pipeline;
  for (int i = 0; i < 20; ++i)
    pipeline += resp({"GET", std::to_string(i)});
  result.push_back(pipeline);
  for (const auto* x : troupe::server::all_commands()) {
    std::vector<std::string> words{std::string{x->name}};
    for (int i = 1; i < std::abs(x->arity); ++i)
      words.push_back(std::to_string(i));
    result.push_back(resp(words));
  }
  return result;
}

class mutator {
public:
  std::string operator()(std::string x, const std::vector<std::string>& all) {
    for (auto n = random_() % 4 + 1; n > 0; --n)
      mutate(x, all);
    return x;
  }

private:
  void mutate(std::string& x, const std::vector<std::string>& all) {
    static constexpr std::string_view special = "*$\r\n-0193\"'\\ \t+:";
    const auto at = x.empty() ? 0 : random_() % x.size();
    switch (random_() % 6) {
      case 0:
        x.insert(at, 1, special[random_() % special.size()]);
        break;
      case 1:
        if (!x.empty())
          x[at] = static_cast<char>(random_());
        break;
      case 2:
        if (!x.empty())
          x.erase(at, random_() % 4 + 1);
        break;
      case 3:
        x.insert(at, x.substr(random_() % (x.size() + 1), random_() % 20));
        break;
      case 4:
        x += all[random_() % all.size()];
        break;
      default:
        x.resize(at);
    }
  }

  std::minstd_rand random_{20240501};
};

} // namespace

TEST_CASE("hostile bytes, in any pieces, do no harm", "[server][fuzz]") {
  const auto all = seeds();
  for (const auto& x : all)
    run(x);
  mutator mutate;
  for (int round = 0; round < 100; ++round)
    for (const auto& x : all)
      run(mutate(x, all));
  SUCCEED();
}
