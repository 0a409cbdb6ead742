#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

/// What the process takes from its machine.
struct process_usage {
  std::uint64_t process_id = 0;
  std::uint64_t resident_bytes = 0;            ///< Zero where not known.
  std::chrono::milliseconds processor_time{0}; ///< User and system.
  std::uint64_t threads = 0;                   ///< Zero where not known.
  std::uint64_t open_files = 0;                ///< Descriptors; as above.
  std::uint64_t file_limit = 0; ///< Descriptors it may have; zero: any number.
};

/// Asks the operating system; some microseconds, and more with thousands of
/// open files.
[[nodiscard]] process_usage measure_process();

/// The processor time alone; a microsecond.
[[nodiscard]] std::chrono::milliseconds processor_time();

} // namespace troupe
