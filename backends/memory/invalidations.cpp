#include <troupe/backends/memory/invalidations.hpp>

namespace troupe::memory {

tag_marks::~tag_marks() {
  delete[] marks_.load(std::memory_order_acquire);
}

void tag_marks::invalidate(std::uint16_t mark) {
  auto& last = all_marks()[mark];
  auto now = sequence_.fetch_add(1, std::memory_order_acq_rel) + 1;
  // Another one may have taken a later number and be here first.
  auto before = last.load(std::memory_order_relaxed);
  while (before < now
         && !last.compare_exchange_weak(before, now,
                                        std::memory_order_acq_rel)) {
    // `before` is what stands there now.
  }
}

/// The table of the marks, made by whoever comes first.
std::atomic<std::uint64_t>* tag_marks::all_marks() {
  auto* present = marks_.load(std::memory_order_acquire);
  if (present != nullptr)
    return present;
  auto made = std::make_unique<mark_table>(mark_count);
  if (marks_.compare_exchange_strong(present, made.get(),
                                     std::memory_order_acq_rel))
    return made.release();
  return present;
}

} // namespace troupe::memory
