#include <apps/bench/common/machine.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

std::string first_line(const char* path) {
  std::ifstream in{path};
  std::string result;
  std::getline(in, result);
  return result;
}

std::string processor() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      if (auto colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

std::string kernel() {
  utsname x{};
  return ::uname(&x) == 0 ? std::string{x.sysname} + " " + x.release
                          : std::string{"unknown"};
}

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

std::string build() {
#ifdef NDEBUG
  std::string assertions = "without assertions";
#else
  std::string assertions = "with assertions";
#endif
#ifdef __OPTIMIZE__
  return "optimised, " + assertions;
#else
  return "NOT optimised, " + assertions;
#endif
}

std::string date() {
  auto now
    = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  tm parts{};
  ::gmtime_r(&now, &parts);
  char buffer[32];
  std::strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M UTC", &parts);
  return buffer;
}

std::string memory() {
  auto bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES))
               * static_cast<double>(::sysconf(_SC_PAGESIZE));
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.1f GiB", bytes / (1 << 30));
  return buffer;
}

} // namespace

std::vector<std::pair<std::string, std::string>> describe_machine() {
  return {
    {"date", date()},
    {"processor", processor()},
    {"processors", std::to_string(std::thread::hardware_concurrency())},
    {"memory", memory()},
    {"kernel", kernel()},
    {"huge pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
    {"compiler", compiler()},
    {"build", build()},
    {"load before", first_line("/proc/loadavg")},
  };
}

noise_meter::noise_meter() : start_(take()) {
  // nop
}

noise_meter::sample noise_meter::take() {
  // cpu user nice system idle iowait irq softirq steal (in clock ticks)
  sample result;
  std::ifstream in{"/proc/stat"};
  std::string word;
  in >> word;
  std::uint64_t ticks[8] = {};
  for (auto& x : ticks)
    in >> x;
  for (auto x : ticks)
    result.total += x;
  result.stolen = ticks[7];
  result.busy = result.total - ticks[3] - ticks[4] - ticks[7];
  result.own_seconds = cpu_seconds();
  return result;
}

noise_meter::reading noise_meter::read() const {
  auto now = take();
  auto total = static_cast<double>(now.total - start_.total);
  if (total <= 0)
    return {};
  auto own = (now.own_seconds - start_.own_seconds)
             * static_cast<double>(::sysconf(_SC_CLK_TCK));
  auto busy = static_cast<double>(now.busy - start_.busy);
  auto stolen = static_cast<double>(now.stolen - start_.stolen);
  return {100 * stolen / total, 100 * std::max(0.0, busy - own) / total};
}

std::string noise_line(const noise_meter& meter) {
  auto noise = meter.read();
  char line[128];
  std::snprintf(
    line, sizeof(line),
    "Meanwhile the hypervisor took %.1f %% of the processors' time, "
    "other processes %.1f %%.",
    noise.stolen, noise.others);
  return line;
}

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& x) {
    return static_cast<double>(x.tv_sec)
           + static_cast<double>(x.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void progress(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

} // namespace troupe::bench
