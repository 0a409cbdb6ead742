// troupe-bench: measures Troupe and its alternatives side by side in one run.
// Compare the ratios; the times differ from machine to machine.

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <apps/bench/common/options.hpp>
#include <apps/bench/subcommands.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace {

struct subcommand {
  std::string_view name;
  std::string_view title;
  int (*run)(const std::vector<std::string>& arguments);
};

constexpr subcommand subcommands[] = {
  {"shard", "reads and writes of a large table against other maps",
   troupe::bench::run_shard},
  {"reclamation", "ways to free memory that readers may still read",
   troupe::bench::run_reclamation},
  {"mailbox", "the cost of one operation through a mailbox",
   troupe::bench::run_mailbox},
  {"loads", "the cost of a miss beyond its loader, and of waiting for one",
   troupe::bench::run_loads},
  {"growth", "the longest pause while a table grows, and memory per entry",
   troupe::bench::run_growth},
  {"regions", "many unused regions: memory, processor time, open and end",
   troupe::bench::run_regions},
  {"net", "the server beside redis-server, under redis-benchmark",
   troupe::bench::run_net},
  {"constants", "a server with constant answers, to measure the client",
   troupe::bench::run_constants},
  {"trace", "hit ratios of eviction policies on traces",
   troupe::bench::run_trace},
};

void print_help() {
  std::puts("usage: troupe-bench <subcommand> [options]\n");
  for (auto& x : subcommands)
    std::printf("  %-14s%s\n", std::string{x.name}.c_str(),
                std::string{x.title}.c_str());
  std::puts(
    "\n'troupe-bench <subcommand> --help' explains the options. Every "
    "subcommand has\n--quick (a smoke test) and --json. The exit code "
    "is 0 for success, 1 for a wrong\nresult (a slow one is not wrong), and 2 "
    "for a wrong option.");
}

int reject(const std::string& word) {
  std::vector<std::string> names;
  for (auto& x : subcommands)
    names.emplace_back(x.name);
  auto meant = troupe::nearest(word, names);
  return troupe::bench::complain(
    "", {troupe::errc::invalid_argument,
         "unknown subcommand '" + word + "'"
           + (meant.empty() ? "" : "; did you mean '" + meant + "'?")});
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h"
      || arguments[0] == "help") {
    print_help();
    return arguments.empty() ? troupe::bench::bad_options
                             : troupe::bench::succeeded;
  }
  auto name = arguments[0];
  arguments.erase(arguments.begin());
  for (auto& x : subcommands) {
    if (x.name != name)
      continue;
    try {
      return x.run(arguments);
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "troupe-bench %s: %s\n", name.c_str(),
                   problem.what());
      return troupe::bench::wrong_results;
    }
  }
  return reject(name);
}
