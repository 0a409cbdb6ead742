#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

/// The resources that the process uses.
struct process_usage {
  std::uint64_t process_id = 0;
  std::uint64_t resident_bytes = 0;            ///< Zero where not known.
  std::chrono::milliseconds processor_time{0}; ///< User and system.
  std::uint64_t threads = 0;                   ///< Zero where not known.
  std::uint64_t open_files = 0; ///< Descriptors; zero where not known.
  std::uint64_t file_limit = 0; ///< Most descriptors; zero: no limit.
};

/// Reads the figures from the operating system; takes some microseconds, and more with
/// thousands of open files.
[[nodiscard]] process_usage measure_process();

/// Reads the processor time only; takes a microsecond.
[[nodiscard]] std::chrono::milliseconds processor_time();

} // namespace troupe
