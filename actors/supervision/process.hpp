#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <troupe/messages/types/metrics/metric_of.hpp>

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

/// The metrics of these figures, with the names that Prometheus's client libraries use.
inline constexpr std::array process_metrics{
  metric_of<process_usage>{{.name = "process_resident_memory_bytes",
                            .help = "Memory of the process that is present.",
                            .kind = metric_kind::gauge,
                            .unit = metric_unit::byte},
                           metric_member<&process_usage::resident_bytes>},
  metric_of<process_usage>{{.name = "process_cpu_seconds_total",
                            .help = "User and system time of the process.",
                            .unit = metric_unit::millisecond},
                           metric_member<&process_usage::processor_time>},
  metric_of<process_usage>{{.name = "process_threads",
                            .help = "Threads of the process.",
                            .kind = metric_kind::gauge},
                           metric_member<&process_usage::threads>},
  metric_of<process_usage>{{.name = "process_open_fds",
                            .help = "Descriptors that are open.",
                            .kind = metric_kind::gauge},
                           metric_member<&process_usage::open_files>},
  metric_of<process_usage>{
    {.name = "process_max_fds",
     .help = "Descriptors that the process may have; 0: any number.",
     .kind = metric_kind::gauge},
    metric_member<&process_usage::file_limit>},
};

/// Reads the figures from the operating system; takes some microseconds, and more with
/// thousands of open files.
[[nodiscard]] process_usage measure_process();

/// Reads the processor time only; takes a microsecond.
[[nodiscard]] std::chrono::milliseconds processor_time();

} // namespace troupe
