// `troupe-bench regions`: the costs of many unused regions: memory,
// processor time while nothing happens, the times to open and to close a region, and
// the time to end a runtime in which half of the regions are open.

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#ifdef TROUPE_ADDRESS_SANITIZER
#  include <sanitizer/allocator_interface.h>
#endif

#include <troupe/actors/runtime.hpp>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

struct settings {
  common_options common;
  std::uint64_t count = 1'000;
  std::uint64_t seconds = 5;
  std::string keys = "0,1,100";

  void declare(option_table& table) {
    table.add(count, "count", "regions that are open at a time")
      .add(seconds, "seconds", "how long the regions are idle, in seconds")
      .add(keys, "keys", "keys that each region holds, a run for each number");
    common.declare(table);
  }

  void shrink() {
    count = 20;
    seconds = 1;
  }

  [[nodiscard]] expected<void> check() const {
    if (auto ok = in_range("count", count, 1, 100'000); !ok)
      return ok;
    if (auto ok = in_range("seconds", seconds, 1, 3'600); !ok)
      return ok;
    return number_list("keys", keys, most_keys, 0)
      .map([](const std::vector<std::uint64_t>&) {});
  }

  static constexpr std::uint64_t most_keys = 1'000'000;
};

double since(stopwatch::time_point begin) {
  return std::chrono::duration<double>(stopwatch::now() - begin).count();
}

std::size_t allocated_bytes() {
#ifdef TROUPE_ADDRESS_SANITIZER
  return ::__sanitizer_get_current_allocated_bytes();
#else
  const auto figures = ::mallinfo2();
  return figures.uordblks + figures.hblkhd;
#endif
}

/// The measured costs of one run.
struct costs {
  std::uint64_t keys = 0;  ///< Keys in each region.
  double open = 0;         ///< Seconds to open one region.
  double resident = 0;     ///< Bytes of resident memory for one region.
  double allocated = 0;    ///< Bytes from malloc for one region.
  double idle = 0;         ///< Processor seconds per second, regions open.
  double nothing_open = 0; ///< Processor seconds per second, without a region.
  double close = 0;        ///< Seconds to close one region.
  double end = 0;          ///< Seconds to end the runtime.
  std::uint64_t lost = 0;  ///< Keys that were not found again.
};

class trial {
public:
  trial(const settings& how, std::uint64_t keys) : how_(how) {
    result_.keys = keys;
  }

  costs run() {
    auto uut = std::make_unique<runtime>();
    result_.nothing_open = idle_share();
    open(*uut);
    fill();
    measure_memory();
    result_.idle = idle_share();
    look();
    close(*uut);
    regions_.clear();
    const auto begin = stopwatch::now();
    uut.reset();
    result_.end = since(begin);
    return result_;
  }

private:
  static std::string name_of(std::uint64_t i) {
    return "region-" + std::to_string(i);
  }

  static std::string key_of(std::uint64_t i) {
    return "key-" + std::to_string(i);
  }

  void open(runtime& in) {
    regions_.reserve(how_.count);
    ::malloc_trim(0);
    resident_before_ = resident_bytes();
    allocated_before_ = allocated_bytes();
    const auto begin = stopwatch::now();
    for (std::uint64_t i = 0; i < how_.count; ++i)
      regions_.push_back(in.open_region(name_of(i)).value());
    result_.open = each(since(begin));
  }

  void fill() {
    const std::string value(64, 'x');
    for (auto& x : regions_)
      for (std::uint64_t i = 0; i < result_.keys; ++i)
        x->set(key_of(i), value).value();
  }

  void look() {
    for (auto& x : regions_)
      for (std::uint64_t i = 0; i < result_.keys; ++i)
        result_.lost += x->contains(key_of(i)).value() ? 0 : 1;
  }

  /// Closes every second region. The end of the runtime closes the others.
  void close(runtime& in) {
    const auto begin = stopwatch::now();
    for (std::uint64_t i = 0; i < how_.count; i += 2) {
      regions_[i].reset();
      in.close(name_of(i)).value();
    }
    const auto closed = (how_.count + 1) / 2;
    result_.close = since(begin) / static_cast<double>(closed);
  }

  void measure_memory() {
    ::malloc_trim(0);
    const auto grown = [](std::size_t before, std::size_t now) {
      return static_cast<double>(now) - static_cast<double>(before);
    };
    result_.resident = each(grown(resident_before_, resident_bytes()));
    result_.allocated = each(grown(allocated_before_, allocated_bytes()));
  }

  [[nodiscard]] double idle_share() const {
    const auto begin = stopwatch::now();
    const auto used = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::seconds{how_.seconds});
    return (cpu_seconds() - used) / since(begin);
  }

  [[nodiscard]] double each(double all) const {
    return all / static_cast<double>(how_.count);
  }

  const settings& how_;
  costs result_;
  std::size_t resident_before_ = 0;
  std::size_t allocated_before_ = 0;
  std::vector<std::shared_ptr<region>> regions_;
};

report report_of(const settings& how, const std::vector<costs>& all,
                 const noise_meter& noise) {
  report result;
  result.subcommand = "regions";
  result.machine = describe_machine();
  result.options = values_of(how);
  result.method = {
    "One runtime for each number of keys. Memory is what the process grew by",
    "for one region, with its keys of some 6 bytes and values of 64; what",
    "malloc handed out of that is given besides (entries come from elsewhere).",
    "Processor time is that of all threads while no caller does anything, in",
    "thousandths of one processor, with the regions and before the first one.",
    noise_line(noise),
  };
  table figures{"results",
                std::to_string(how.count) + " regions",
                {{"keys", "keys", 0},
                 {"resident_kib", "KiB/region", 1},
                 {"allocated_kib", "from malloc", 1},
                 {"idle_permille", "idle, 1/1000 cpu", 2},
                 {"empty_permille", "without regions", 2},
                 {"open_us", "open us", 1},
                 {"close_us", "close us", 1},
                 {"end_ms", "end of half, ms", 1}},
                {}};
  for (auto& x : all) {
    figures.rows.push_back({x.keys, x.resident / 1024, x.allocated / 1024,
                            x.idle * 1e3, x.nothing_open * 1e3, x.open * 1e6,
                            x.close * 1e6, x.end * 1e3});
    if (x.lost > 0)
      result.failures.push_back(std::to_string(x.lost) + " keys were lost");
    if (x.keys == 0)
      result.expectations.push_back({"idle_region_kib",
                                     "KiB, memory of a region without keys",
                                     x.resident / 1024, 16, false});
  }
  result.tables.push_back(std::move(figures));
  return result;
}

} // namespace

int run_regions(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>("regions",
                                      "Measures the costs of many unused "
                                      "regions: memory, processor time, and "
                                      "the\ntimes to open and to end them.",
                                      arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<settings>(read);
  noise_meter noise;
  std::vector<costs> all;
  const auto runs
    = number_list("keys", how.keys, settings::most_keys, 0).value();
  for (auto keys : runs) {
    progress("regions: " + std::to_string(how.count) + " regions of "
             + std::to_string(keys) + " keys");
    all.push_back(trial{how, keys}.run());
  }
  return print(report_of(how, all, noise), how.common.json);
}

} // namespace troupe::bench
