#include <troupe/backends/memory/turns/change_gate.hpp>

#include <thread>

namespace troupe::memory {

constinit change_gate change_gate::process_;

std::uint64_t change_gate::wait() const noexcept {
  for (;;) {
    // A change takes microseconds, unless its thread lost the processor.
    std::this_thread::yield();
    const auto ended = ended_.load(std::memory_order_acquire);
    const auto begun = begun_.load(std::memory_order_acquire);
    if (begun == ended)
      return begun;
  }
}

} // namespace troupe::memory
