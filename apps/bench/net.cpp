// `troupe-bench net`: troupe-server and redis-server, driven in turn by Redis's
// own redis-benchmark.

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <apps/bench/machine.hpp>
#include <apps/bench/net/program.hpp>
#include <apps/bench/options.hpp>
#include <apps/bench/report.hpp>
#include <apps/bench/statistics.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

const std::vector<std::string>& known_tests() {
  static const std::vector<std::string> names = {"get", "set", "incr", "mset"};
  return names;
}

struct settings {
  common_options common;
  std::uint64_t requests = 500'000;
  std::uint64_t slow_requests = 100'000;
  std::uint64_t clients = 50;
  std::uint64_t keys = 1'000'000;
  std::uint64_t rounds = 3;
  std::string pipelines = "1,16";
  std::string sizes = "64";
  std::string tests = "get,set";
  std::string redis = "redis-server";

  void declare(option_table& table) {
    table.add(requests, "requests", "requests per measurement, pipelined")
      .add(slow_requests, "slow-requests", "the same without a pipeline")
      .add(clients, "clients", "connections at once")
      .add(keys, "keys", "random keys out of so many")
      .add(rounds, "rounds", "measurements of each, after one to warm up")
      .add(pipelines, "pipelines", "requests sent at once, as in 1,16")
      .add(sizes, "sizes", "bytes per value, as in 64,1024")
      .add(tests, "tests", "of get,set,incr,mset")
      .add(redis, "redis", "the redis-server to compare with");
    common.declare(table);
  }

  void shrink() {
    // Enough for some milliseconds: redis-benchmark counts no less than one.
    requests = 20'000;
    slow_requests = 2'000;
    clients = 5;
    keys = 1'000;
    rounds = 1;
  }

  [[nodiscard]] expected<void> check() const {
    if (auto ok = in_range("requests", requests, 1, 1'000'000'000); !ok)
      return ok;
    if (auto ok = in_range("slow-requests", slow_requests, 1, 1'000'000'000);
        !ok)
      return ok;
    if (auto ok = in_range("clients", clients, 1, 10'000); !ok)
      return ok;
    if (auto ok = in_range("keys", keys, 1, 1'000'000'000'000); !ok)
      return ok;
    if (auto ok = in_range("rounds", rounds, 1, 1'000); !ok)
      return ok;
    if (auto ok = number_list("pipelines", pipelines, 10'000); !ok)
      return tl::unexpected<error>{ok.error()};
    if (auto ok = number_list("sizes", sizes, 1 << 30); !ok)
      return tl::unexpected<error>{ok.error()};
    if (auto ok = word_list("tests", tests, known_tests()); !ok)
      return tl::unexpected<error>{ok.error()};
    return {};
  }
};

/// A server and its name in the table.
struct contestant {
  std::string name;
  std::string what;
  std::unique_ptr<server_program> program;
};

struct measurement {
  std::size_t who;
  std::string test;
  std::uint64_t pipeline;
  std::uint64_t size;
  std::vector<double> rate{}; ///< Requests per second.
  std::vector<double> p99{};  ///< Milliseconds.
  std::vector<double> cpu{};  ///< Microseconds of the server per request.
};

/// What a line of `redis-benchmark --csv` says.
struct outcome {
  double rate;
  double p99;
};

/// The last line: "test","rps","avg","min","p50","p95","p99","max".
outcome parse(const std::string& csv) {
  constexpr std::size_t rate_field = 1;
  constexpr std::size_t p99_field = 6;
  auto line = csv.substr(0, csv.find_last_not_of('\n') + 1);
  line = line.substr(line.rfind('\n') + 1);
  std::vector<double> fields;
  for (std::size_t begin = 0; (begin = line.find('"', begin)) != line.npos;) {
    auto end = line.find('"', begin + 1);
    if (end == line.npos)
      break;
    fields.push_back(std::atof(line.c_str() + begin + 1));
    begin = end + 1;
  }
  if (fields.size() <= p99_field)
    throw std::runtime_error("redis-benchmark printed something unexpected: "
                             + line);
  // It divides by whole milliseconds.
  if (!std::isfinite(fields[rate_field]) || fields[rate_field] <= 0)
    throw std::runtime_error("redis-benchmark was done too soon to measure; "
                             "ask for more --requests and --slow-requests");
  return {fields[rate_field], fields[p99_field]};
}

/// The server that was built beside this program.
std::string our_server() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path()
         / "troupe-server";
}

class contest {
public:
  explicit contest(const settings& how) : how_(how) {
    servers_.push_back(
      {"troupe", "troupe-server", start_troupe({our_server()})});
    servers_.push_back({"redis",
                        output_of({how.redis, "--version"}).substr(0, 21),
                        start_redis({how.redis})});
    // Checked before.
    const auto tests = *word_list("tests", how.tests, known_tests());
    const auto pipelines = *number_list("pipelines", how.pipelines, 10'000);
    const auto sizes = *number_list("sizes", how.sizes, 1 << 30);
    for (auto& test : tests)
      for (auto pipeline : pipelines)
        for (auto size : sizes)
          for (std::size_t who = 0; who < servers_.size(); ++who)
            measurements_.push_back({who, test, pipeline, size});
  }

  void measure() {
    for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
      for (auto& x : measurements_)
        pass(x, round > 0);
      progress("net: "
               + (round == 0 ? "warmed up"
                             : "round " + std::to_string(round) + " of "
                                 + std::to_string(how_.rounds)));
    }
  }

  [[nodiscard]] report result() const;

private:
  void pass(measurement& x, bool counted) {
    auto& server = *servers_[x.who].program;
    auto requests = x.pipeline > 1 ? how_.requests : how_.slow_requests;
    auto cpu = server.cpu_seconds();
    auto done = parse(output_of(
      {"redis-benchmark", "--csv", "-p", std::to_string(server.port()), "-t",
       x.test, "-n", std::to_string(requests), "-c",
       std::to_string(how_.clients), "-P", std::to_string(x.pipeline), "-d",
       std::to_string(x.size), "-r", std::to_string(how_.keys)}));
    cpu = server.cpu_seconds() - cpu;
    if (!counted)
      return;
    x.rate.push_back(done.rate);
    x.p99.push_back(done.p99);
    x.cpu.push_back(cpu * 1e6 / static_cast<double>(requests));
  }

  /// The measurement of the other server that belongs to this one of ours.
  [[nodiscard]] const measurement& peer(std::size_t i) const {
    return measurements_[i + 1];
  }

  settings how_;
  noise_meter noise_;
  std::vector<contestant> servers_;
  std::vector<measurement> measurements_;
};

report contest::result() const {
  report result;
  result.subcommand = "net";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "redis-benchmark drives both servers in turn, each measurement once per",
    "round; figures are medians of rounds, ratios medians of ratios within a",
    "round. Client and server share the machine, so the client is often the",
    "limit; cpu is what the server alone used.",
    noise_line(noise_),
  };
  table times{"results",
              "k/s: thousand requests per second; p99 in ms; cpu: microseconds "
              "of the server's processor time per request",
              {{"test", "test", 0},
               {"pipeline", "pipeline", 0},
               {"size", "bytes", 0},
               {"name", "", 0},
               {"server", "server", 0},
               {"krps", "k/s", 1},
               {"krps_least", "least", 1},
               {"krps_most", "most", 1},
               {"p99_ms", "p99", 3},
               {"cpu_us", "cpu", 2},
               {"resident_mib", "", 1}},
              {}};
  for (auto& x : measurements_) {
    auto& who = servers_[x.who];
    auto rate = summarize(x.rate);
    times.rows.push_back(
      {x.test, x.pipeline, x.size, who.name, who.what, rate.median / 1e3,
       rate.least / 1e3, rate.most / 1e3, summarize(x.p99).median,
       summarize(x.cpu).median,
       static_cast<double>(who.program->resident_bytes()) / (1 << 20)});
  }
  for (std::size_t i = 0; i < measurements_.size(); i += servers_.size()) {
    auto& ours = measurements_[i];
    auto title = ours.test + ", pipeline " + std::to_string(ours.pipeline)
                 + ", " + std::to_string(ours.size) + " bytes";
    result.expectations.push_back(
      {"throughput_" + ours.test + "_" + std::to_string(ours.pipeline) + "_"
         + std::to_string(ours.size),
       "our throughput / redis-server's: " + title,
       ratio(ours.rate, peer(i).rate).median, 1.0, true});
  }
  result.tables.push_back(std::move(times));
  return result;
}

} // namespace

int run_net(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>(
    "net", "troupe-server and redis-server under redis-benchmark, in turn.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<settings>(read);
  contest all{how};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
