#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

/// What the process takes from its machine.
struct process_usage {
  std::uint64_t process_id = 0;
  std::uint64_t resident_bytes = 0;          ///< Zero where not known.
  std::chrono::milliseconds processor_time{0}; ///< User and system.
};

/// Asks the operating system; some microseconds.
[[nodiscard]] process_usage measure_process();

} // namespace troupe
