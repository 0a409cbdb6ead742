#include <troupe/actors/process.hpp>

#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace troupe {

namespace {

std::chrono::microseconds to_time(const timeval& x) {
  return std::chrono::seconds{x.tv_sec} + std::chrono::microseconds{x.tv_usec};
}

} // namespace

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
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    result.processor_time
      = std::chrono::duration_cast<std::chrono::milliseconds>(
        to_time(usage.ru_utime) + to_time(usage.ru_stime));
  return result;
}

} // namespace troupe
