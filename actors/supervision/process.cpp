#include <troupe/actors/supervision/process.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace troupe {

namespace {

std::chrono::microseconds to_time(const timeval& x) {
  return std::chrono::seconds{x.tv_sec} + std::chrono::microseconds{x.tv_usec};
}

std::uint64_t count_threads() {
  std::ifstream status{"/proc/self/status"};
  std::uint64_t result = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Threads:"))
      result = std::stoull(line.substr(line.find(':') + 1));
  return result;
}

std::uint64_t count_open_files() {
  namespace fs = std::filesystem;
  std::error_code problem;
  fs::directory_iterator files{"/proc/self/fd", problem};
  if (problem)
    return 0;
  // One of them is the descriptor of the directory itself.
  const auto all = std::distance(fs::begin(files), fs::end(files));
  return static_cast<std::uint64_t>(all) - 1;
}

std::uint64_t count_allowed_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return 0;
  return limit.rlim_cur;
}

} // namespace

std::chrono::milliseconds processor_time() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0)
    return {};
  return std::chrono::duration_cast<std::chrono::milliseconds>(
    to_time(usage.ru_utime) + to_time(usage.ru_stime));
}

process_usage measure_process() {
  process_usage result;
  result.process_id = static_cast<std::uint64_t>(getpid());
  // The second number is the resident set in pages; see proc(5).
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (statm >> total >> resident)
    result.resident_bytes
      = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  result.processor_time = processor_time();
  result.threads = count_threads();
  result.open_files = count_open_files();
  result.file_limit = count_allowed_files();
  return result;
}

} // namespace troupe
