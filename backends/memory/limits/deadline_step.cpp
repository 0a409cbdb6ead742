#include <troupe/backends/memory/limits/deadline_step.hpp>

#include <thread>

namespace troupe::memory {

thread_local constinit unsigned deadline_step::depth_ = 0;

void deadline_witness::wait(std::uint64_t hash) const noexcept {
  if (deadline_step::depth_ > 0)
    return;
  while (busy(hash))
    std::this_thread::yield();
}

void deadline_step::enter(std::atomic<std::uint64_t>& key,
                          std::uint64_t hash) noexcept {
  key_ = &key;
  ++depth_;
  // Before the read of the clock that follows.
  key.store(deadline_witness::mark_of(hash), std::memory_order_seq_cst);
}

void deadline_step::leave() noexcept {
  key_->store(0, std::memory_order_release);
  --depth_;
}

} // namespace troupe::memory
