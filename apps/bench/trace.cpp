// `troupe-bench trace`: which policy keeps the right keys, on real traces.
//
// Nothing is timed here. Every policy handles every trace at every size, with entries of
// equal size; the figures are exact, and equal on every machine.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/subcommands.hpp>
#include <apps/bench/trace/plot.hpp>
#include <apps/bench/trace/policy.hpp>
#include <apps/bench/trace/settings.hpp>
#include <apps/bench/trace/trace_file.hpp>

namespace troupe::bench {

namespace {

/// The upper bound; it does not compete.
constexpr std::string_view optimum = "opt";

/// All policies on one trace at one size.
struct measurement {
  std::size_t trace;
  std::string size;
  std::size_t entries;
  std::vector<std::uint64_t> hits{}; ///< By policy.
};

struct source {
  std::string name;
  key_trace trace;
};

class contest {
public:
  explicit contest(const trace_settings& how)
    : how_(how), policies_(how.policy_list()) {
    // nop
  }

  /// Errors: those of `read_trace`.
  [[nodiscard]] expected<void> load();
  void measure();
  [[nodiscard]] std::vector<plot_panel> panels() const;
  [[nodiscard]] report result() const;

private:
  [[nodiscard]] std::uint64_t hits_of(const contestant_policy& who,
                                      const measurement& x);
  [[nodiscard]] double percent(const measurement& x, std::size_t policy) const;
  [[nodiscard]] std::string best(const measurement& x) const;
  [[nodiscard]] table trace_table() const;
  [[nodiscard]] table hit_table() const;
  void check_optimum(const measurement& x);

  trace_settings how_;
  std::vector<std::string> policies_;
  std::vector<source> sources_;
  std::vector<measurement> measurements_;
  std::vector<std::string> failures_;
};

expected<void> contest::load() {
  for (auto& path : how_.files) {
    progress("reading " + path);
    auto trace = read_trace(path);
    if (!trace)
      return tl::unexpected<error>{trace.error()};
    sources_.push_back({trace_name(path), std::move(*trace)});
  }
  return {};
}

std::uint64_t contest::hits_of(const contestant_policy& who,
                               const measurement& x) {
  auto& trace = sources_[x.trace].trace;
  auto cache = who.make(trace, x.entries);
  std::uint64_t result = 0;
  std::size_t most = 0;
  for (auto key : trace.requests) {
    result += cache->access(key) ? 1 : 0;
    most = std::max(most, cache->size());
  }
  if (most > x.entries)
    failures_.push_back(sources_[x.trace].name + ", " + x.size + ": "
                        + std::string{who.title} + " held "
                        + std::to_string(most) + " entries instead of "
                        + std::to_string(x.entries));
  return result;
}

void contest::measure() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    for (auto& size : how_.size_list()) {
      measurement x{i, size.text(), size.entries(sources_[i].trace.unique)};
      progress(sources_[i].name + ", " + x.size);
      for (auto& name : policies_)
        x.hits.push_back(hits_of(policy_called(name), x));
      check_optimum(x);
      measurements_.push_back(std::move(x));
    }
  }
}

void contest::check_optimum(const measurement& x) {
  auto bound = std::find(policies_.begin(), policies_.end(), optimum);
  if (bound == policies_.end())
    return;
  auto most = x.hits[static_cast<std::size_t>(bound - policies_.begin())];
  for (std::size_t i = 0; i < policies_.size(); ++i)
    if (x.hits[i] > most)
      failures_.push_back(sources_[x.trace].name + ", " + x.size + ": "
                          + policies_[i] + " has more hits than the optimum");
}

double contest::percent(const measurement& x, std::size_t policy) const {
  return 100 * static_cast<double>(x.hits[policy])
         / static_cast<double>(sources_[x.trace].trace.requests.size());
}

std::string contest::best(const measurement& x) const {
  std::optional<std::size_t> result;
  for (std::size_t i = 0; i < policies_.size(); ++i)
    if (policies_[i] != optimum && (!result || x.hits[i] > x.hits[*result]))
      result = i;
  return result ? std::string{policy_called(policies_[*result]).title} : "-";
}

std::vector<plot_panel> contest::panels() const {
  std::vector<plot_panel> result;
  for (auto& x : sources_) {
    result.push_back({x.name, {}});
    for (auto& name : policies_)
      result.back().lines.push_back(
        {std::string{policy_called(name).title}, {}});
  }
  for (auto& x : measurements_)
    for (std::size_t i = 0; i < policies_.size(); ++i)
      result[x.trace].lines[i].points.emplace_back(
        static_cast<double>(x.entries), percent(x, i));
  for (auto& panel : result)
    for (auto& line : panel.lines)
      std::sort(line.points.begin(), line.points.end());
  return result;
}

table contest::trace_table() const {
  table result{"traces",
               "the traces",
               {{"trace", "trace", 0},
                {"requests", "requests", 0},
                {"unique", "unique keys", 0}},
               {}};
  for (auto& x : sources_)
    result.rows.push_back({x.name, std::uint64_t{x.trace.requests.size()},
                           std::uint64_t{x.trace.unique}});
  return result;
}

table contest::hit_table() const {
  table result{
    "results",
    "hits in percent of all requests; best: the best policy that does not "
    "know the future",
    {{"trace", "trace", 0}, {"size", "size", 0}, {"entries", "entries", 0}},
    {}};
  for (auto& name : policies_)
    result.columns.push_back({name, std::string{policy_called(name).title}, 2});
  result.columns.push_back({"best", "best", 0});
  for (auto& x : measurements_) {
    std::vector<cell> row{sources_[x.trace].name, x.size,
                          std::uint64_t{x.entries}};
    for (std::size_t i = 0; i < policies_.size(); ++i)
      row.emplace_back(percent(x, i));
    row.emplace_back(best(x));
    result.rows.push_back(std::move(row));
  }
  return result;
}

report contest::result() const {
  report result;
  result.subcommand = "trace";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "Every request is a read. A miss stores its key, and all entries have the",
    "same size. OPT knows the future and is the upper bound; only OPT may",
    "refuse to store. Nothing is timed: the figures are exact, and equal on",
    "any machine. The figures of Troupe are an exception: it is the real",
    "table, not a simulation, and hashes keys with another seed in each run.",
  };
  result.tables.push_back(trace_table());
  result.tables.push_back(hit_table());
  result.failures = failures_;
  return result;
}

} // namespace

int run_trace(const std::vector<std::string>& arguments) {
  auto read = read_settings<trace_settings>(
    "trace",
    "Hit ratios of eviction policies on traces. A trace is a file with a "
    "decimal key\nper line, plain or compressed by xz.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<trace_settings>(read);
  contest all{how};
  if (auto ok = all.load(); !ok)
    return complain("trace", ok.error());
  all.measure();
  auto code = print(all.result(), how.common.json);
  if (how.plot != "none")
    if (auto ok = plot(all.panels(), how.plot); !ok)
      return complain("trace", ok.error());
  return code;
}

} // namespace troupe::bench
