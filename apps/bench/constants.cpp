// `troupe-bench constants`: a server with constant answers, for `troupe-bench net` and for
// tests of other clients.

#include <cstdio>

#include <apps/bench/net/constants.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

struct settings {
  common_options common;
  std::uint64_t value_size = 3;

  void declare(option_table& table) {
    table.add(value_size, "value-size",
              "bytes of the value in the answer to every GET");
    common.declare(table);
  }

  void shrink() {
    // nop
  }

  [[nodiscard]] expected<void> check() const {
    return in_range("value-size", value_size, 1, 1 << 24);
  }
};

} // namespace

int run_constants(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>(
    "constants",
    "Serves a free port of this machine until it is killed. Every request on a "
    "connection\ngets the answer of the first request; later requests are not "
    "read.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto failure = serve_constants(
    std::get<settings>(read).value_size, [](std::uint16_t port) {
      std::printf("ready on 127.0.0.1:%u\n", unsigned{port});
      std::fflush(stdout);
    });
  std::fprintf(stderr, "troupe-bench constants: %s\n", failure.text().c_str());
  return wrong_results;
}

} // namespace troupe::bench
