// `troupe-bench net`: troupe-server and redis-server, driven in turn by Redis's
// own redis-benchmark, beside a server with constant answers.
//
// For each value size, new servers are started and filled with all keys; they run until
// the end. Every round takes each measurement once, server by server, so that a temporary
// disturbance of the machine affects all servers. The first server changes from round to
// round. The first round warms up and is not counted.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <apps/bench/common/machine.hpp>
#include <apps/bench/net/client.hpp>
#include <apps/bench/net/program.hpp>
#include <apps/bench/net/settings.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/common/statistics.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

/// Servers free memory in the background. Their memory counts as settled when it has not
/// changed for `still_time`, and in any case after `settle_patience`.
constexpr std::chrono::milliseconds still_time{500};
constexpr std::chrono::seconds settle_patience{10};
constexpr std::chrono::milliseconds look_again{20};

/// How often a run that is too short for redis-benchmark's clock is repeated, each time
/// with ten times the requests.
constexpr int most_tries = 5;

struct server {
  std::string name;
  std::string what;
  std::unique_ptr<server_program> program;
};

/// A server with one test, pipeline and size.
struct measurement {
  std::string name;
  std::string what;
  std::string test;
  std::uint64_t pipeline;
  std::uint64_t size;
  std::vector<double> rate{}; ///< Requests per second, by round.
  std::vector<double> p99{};  ///< Milliseconds.
  std::vector<double> cpu{};  ///< Microseconds of the server per request.
};

/// What the keys took in a server.
struct weight {
  std::string name;
  std::string what;
  std::uint64_t size;
  std::uint64_t keys;
  double bytes_per_key;
  std::uint64_t resident;
};

/// This program or the server that was built beside it.
std::string built_here(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::unique_ptr<server_program> start_constants(std::uint64_t value_size) {
  return std::make_unique<server_program>(
    std::vector<std::string>{built_here("troupe-bench"), "constants",
                             "--value-size=" + std::to_string(value_size)},
    std::regex{"ready on \\S+:(\\d+)"}, std::uint16_t{0});
}

/// "Redis server v=7.0.15", of a longer line.
std::string version_of(const std::string& redis) {
  auto text = output_of({redis, "--version"});
  return text.substr(0, text.find(" sha"));
}

std::uint64_t settled_bytes(const server_program& x) {
  using clock = std::chrono::steady_clock;
  auto result = x.resident_bytes();
  auto changed = clock::now();
  for (auto until = changed + settle_patience;
       clock::now() < until && clock::now() < changed + still_time;) {
    std::this_thread::sleep_for(look_again);
    if (auto now = x.resident_bytes(); now != result) {
      result = now;
      changed = clock::now();
    }
  }
  return result;
}

/// The median of the ratios of those rounds in which both could be measured: a
/// processor time of 0 is shorter than the clock can tell.
double median_ratio(const std::vector<double>& x,
                    const std::vector<double>& y) {
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (x[i] > 0 && y[i] > 0)
      result.push_back(x[i] / y[i]);
  return summarize(std::move(result)).median;
}

class contest {
public:
  explicit contest(const net_settings& how)
    : how_(how), names_(how.contestant_list()) {
    // nop
  }

  void measure();
  [[nodiscard]] report result() const;

private:
  [[nodiscard]] bool takes_part(const std::string& name) const;
  [[nodiscard]] std::vector<server> start(std::uint64_t size) const;
  void fill(const server& x, std::uint64_t size);
  void measure(std::uint64_t size);
  void pass(measurement& x, const server_program& program, bool counted) const;
  [[nodiscard]] const measurement* find(const measurement& like,
                                        const std::string& name) const;
  [[nodiscard]] table times() const;
  [[nodiscard]] table ratios() const;
  [[nodiscard]] table weights() const;
  [[nodiscard]] std::vector<expectation> expectations() const;

  net_settings how_;
  std::vector<std::string> names_;
  noise_meter noise_;
  std::vector<measurement> measurements_;
  std::vector<weight> weights_;
  std::vector<std::string> failures_;
};

bool contest::takes_part(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

std::vector<server> contest::start(std::uint64_t size) const {
  std::vector<server> result;
  if (takes_part("troupe")) {
    std::vector<std::string> command{built_here("troupe-server")};
    if (how_.threads > 0)
      command.push_back("--threads=" + std::to_string(how_.threads));
    result.push_back(
      {"troupe", "troupe-server", start_troupe(std::move(command))});
  }
  if (takes_part("redis"))
    result.push_back(
      {"redis", version_of(how_.redis), start_redis({how_.redis})});
  if (takes_part("constants"))
    result.push_back(
      {"constants", "constants (the client's limit)", start_constants(size)});
  return result;
}

void contest::fill(const server& x, std::uint64_t size) {
  progress("net: filling " + x.what);
  auto before = settled_bytes(*x.program);
  auto keys = load_keys(x.program->port(), how_.keys, size);
  auto after = settled_bytes(*x.program);
  if (keys != how_.keys)
    failures_.push_back(x.what + " has " + std::to_string(keys) + " of "
                        + std::to_string(how_.keys) + " keys");
  auto grown = static_cast<double>(after) - static_cast<double>(before);
  weights_.push_back({x.name, x.what, size, keys,
                      grown / static_cast<double>(how_.keys), after});
}

void contest::measure() {
  for (auto size : how_.size_list())
    measure(size);
}

void contest::measure(std::uint64_t size) {
  auto servers = start(size);
  for (auto& x : servers)
    if (x.name != "constants")
      fill(x, size);
  auto first = measurements_.size();
  for (auto& test : how_.test_list())
    for (auto pipeline : how_.pipeline_list())
      for (auto& x : servers)
        measurements_.push_back({x.name, x.what, test, pipeline, size});
  for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
    for (auto group = first; group < measurements_.size();
         group += servers.size())
      for (std::size_t i = 0; i < servers.size(); ++i) {
        auto who = (i + round) % servers.size();
        pass(measurements_[group + who], *servers[who].program, round > 0);
      }
    progress("net, " + std::to_string(size) + " bytes: "
             + (round == 0 ? "warmed up"
                           : "round " + std::to_string(round) + " of "
                               + std::to_string(how_.rounds)));
  }
}

void contest::pass(measurement& x, const server_program& program,
                   bool counted) const {
  drive_request run;
  run.port = program.port();
  run.test = x.test;
  run.requests = how_.requests_of(x.test, x.pipeline);
  run.clients = how_.clients;
  run.threads = how_.client_threads;
  run.pipeline = x.pipeline;
  run.value_size = x.size;
  run.keys = how_.keys;
  for (int i = 1;; ++i) {
    auto cpu = program.cpu_seconds();
    auto done = drive(run);
    cpu = program.cpu_seconds() - cpu;
    if (!done && (done.error() != errc::invalid_argument || i == most_tries))
      throw std::runtime_error(done.error().text());
    if (!done) {
      run.requests *= 10;
      continue;
    }
    if (counted) {
      x.rate.push_back(done->rate);
      x.p99.push_back(done->p99);
      x.cpu.push_back(cpu * 1e6 / static_cast<double>(run.requests));
    }
    return;
  }
}

const measurement* contest::find(const measurement& like,
                                 const std::string& name) const {
  for (auto& x : measurements_)
    if (x.name == name && x.test == like.test && x.pipeline == like.pipeline
        && x.size == like.size)
      return &x;
  return nullptr;
}

table contest::times() const {
  table result{
    "results",
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
     {"rounds", "", 0}},
    {}};
  for (auto& x : measurements_) {
    auto rate = summarize(x.rate);
    result.rows.push_back({x.test, x.pipeline, x.size, x.name, x.what,
                           rate.median / 1e3, rate.least / 1e3, rate.most / 1e3,
                           summarize(x.p99).median, summarize(x.cpu).median,
                           std::uint64_t{x.rate.size()}});
  }
  return result;
}

table contest::ratios() const {
  table result{"ratios",
               "troupe-server / redis-server, medians of the rounds' ratios; "
               "limit: throughput of troupe-server / of constants",
               {{"test", "test", 0},
                {"pipeline", "pipeline", 0},
                {"size", "bytes", 0},
                {"throughput", "throughput", 2},
                {"p99", "p99", 2},
                {"cpu", "cpu", 2},
                {"limit", "limit", 2}},
               {}};
  for (auto& ours : measurements_) {
    if (ours.name != "troupe")
      continue;
    constexpr auto unknown = std::numeric_limits<double>::quiet_NaN();
    auto* redis = find(ours, "redis");
    auto* limit = find(ours, "constants");
    auto against = [&](const measurement* other, auto member) {
      return other == nullptr ? unknown
                              : median_ratio(ours.*member, other->*member);
    };
    result.rows.push_back(
      {ours.test, ours.pipeline, ours.size, against(redis, &measurement::rate),
       against(redis, &measurement::p99), against(redis, &measurement::cpu),
       against(limit, &measurement::rate)});
  }
  return result;
}

table contest::weights() const {
  table result{
    "memory",
    "resident memory after all keys of 16 bytes were set; bytes/key: "
    "its growth per key, the key and its value included",
    {{"size", "bytes", 0},
     {"name", "", 0},
     {"server", "server", 0},
     {"keys", "keys", 0},
     {"bytes_per_key", "bytes/key", 1},
     {"resident_mib", "MiB", 1}},
    {}};
  for (auto& x : weights_)
    result.rows.push_back({x.size, x.name, x.what, x.keys, x.bytes_per_key,
                           static_cast<double>(x.resident) / (1 << 20)});
  return result;
}

std::vector<expectation> contest::expectations() const {
  std::vector<expectation> result;
  for (auto& ours : measurements_) {
    auto* redis = find(ours, "redis");
    if (ours.name != "troupe" || redis == nullptr)
      continue;
    auto pipeline = std::to_string(ours.pipeline);
    auto size = std::to_string(ours.size);
    result.push_back({"throughput_" + ours.test + "_" + pipeline + "_" + size,
                      "our throughput / redis-server's: " + ours.test
                        + ", pipeline " + pipeline + ", " + size + " bytes",
                      median_ratio(ours.rate, redis->rate), 1.0, true});
  }
  return result;
}

report contest::result() const {
  report result;
  result.subcommand = "net";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "For each value size, new servers are started and filled with all keys, so",
    "that every GET hits. redis-benchmark runs against each in turn, once for",
    "each measurement and round. Figures are medians of the rounds; ratios are",
    "medians of the ratios within a round. Client and server share the",
    "machine, so the client is often the limit: 'constants' shows it, because",
    "it answers without reading its requests. cpu is the time of the server",
    "alone, by a clock of 10 ms.",
    noise_line(noise_) + " (Servers and client count as others here.)",
  };
  result.tables = {times(), ratios(), weights()};
  result.expectations = expectations();
  result.failures = failures_;
  return result;
}

} // namespace

int run_net(const std::vector<std::string>& arguments) {
  auto read = read_settings<net_settings>(
    "net",
    "Runs redis-benchmark against troupe-server and redis-server in turn: "
    "throughput, "
    "p99,\nprocessor time and memory; also against a server with constant "
    "answers.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<net_settings>(read);
  contest all{how};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
