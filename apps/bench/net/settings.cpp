#include <apps/bench/net/settings.hpp>

#include <algorithm>

namespace troupe::bench {

namespace {

constexpr std::uint64_t most_pipelined = 10'000;
constexpr std::uint64_t largest_value = 1 << 24;

} // namespace

const std::vector<std::string>& net_settings::test_names() {
  static const std::vector<std::string> names = {"get", "set", "incr", "mset"};
  return names;
}

const std::vector<std::string>& net_settings::contestant_names() {
  static const std::vector<std::string> names
    = {"troupe", "redis", "constants"};
  return names;
}

void net_settings::declare(option_table& table) {
  table
    .add(requests, "requests",
         "requests per measurement with a pipeline; MSET: 1/10")
    .add(slow_requests, "slow-requests", "the same without a pipeline")
    .add(clients, "clients", "simultaneous connections")
    .add(keys, "keys", "keys that are stored before, and then used at random")
    .add(rounds, "rounds", "measurements of each, after one that warms up")
    .add(pipelines, "pipelines", "requests sent at once, for example 1,16")
    .add(sizes, "sizes", "bytes per value, for example 64,1024")
    .add(tests, "tests", "any of get,set,incr,mset")
    .add(contestants, "contestants",
         "any of troupe,redis,constants (constant answers)")
    .add(threads, "threads", "threads of troupe-server; 0: its default")
    .add(client_threads, "client-threads", "threads of redis-benchmark")
    .add(redis, "redis", "the redis-server to compare with");
  common.declare(table);
}

void net_settings::shrink() {
  // redis-benchmark counts whole milliseconds; these take a few.
  requests = 20'000;
  slow_requests = 2'000;
  clients = 5;
  keys = 1'000;
  rounds = 1;
  sizes = "64";
}

expected<void> net_settings::check() const {
  auto inside = in_range({
    {"requests", requests, 10, 1'000'000'000},
    {"slow-requests", slow_requests, 10, 1'000'000'000},
    {"clients", clients, 1, 10'000},
    {"keys", keys, 1, 1'000'000'000},
    {"rounds", rounds, 1, 1'000},
    {"threads", threads, 0, 1'024},
    {"client-threads", client_threads, 1, 500},
  });
  if (!inside)
    return inside;
  if (auto ok = number_list("pipelines", pipelines, most_pipelined); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = number_list("sizes", sizes, largest_value); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("tests", tests, test_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("contestants", contestants, contestant_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  return {};
}

std::vector<std::uint64_t> net_settings::pipeline_list() const {
  return *number_list("pipelines", pipelines, most_pipelined);
}

std::vector<std::uint64_t> net_settings::size_list() const {
  return *number_list("sizes", sizes, largest_value);
}

std::vector<std::string> net_settings::test_list() const {
  return *word_list("tests", tests, test_names());
}

std::vector<std::string> net_settings::contestant_list() const {
  return *word_list("contestants", contestants, contestant_names());
}

std::uint64_t net_settings::requests_of(const std::string& test,
                                        std::uint64_t pipeline) const {
  auto all = pipeline > 1 ? requests : slow_requests;
  return test == "mset" ? all / 10 : all;
}

} // namespace troupe::bench
