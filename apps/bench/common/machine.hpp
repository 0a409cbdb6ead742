#pragma once

// Where a number was measured, and what else that machine was doing meanwhile.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

/// Facts about this machine and this binary, as names and values to print.
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
describe_machine();

/// Watches what the machine did for others since construction.
class noise_meter {
public:
  noise_meter();

  struct reading {
    double stolen = 0; ///< Percent of processor time taken by the hypervisor.
    double others = 0; ///< Percent of processor time used by other processes.
  };

  [[nodiscard]] reading read() const;

private:
  struct sample {
    std::uint64_t total = 0;
    std::uint64_t busy = 0;
    std::uint64_t stolen = 0;
    double own_seconds = 0;
  };

  static sample take();

  sample start_;
};

/// What `meter` saw, as a sentence.
[[nodiscard]] std::string noise_line(const noise_meter& meter);

/// Resident memory of this process, in bytes.
[[nodiscard]] std::size_t resident_bytes();

/// Processor time of this process, all threads, in seconds.
[[nodiscard]] double cpu_seconds();

/// Prints a line on standard error, so that a waiting user sees progress.
void progress(const std::string& text);

} // namespace troupe::bench
