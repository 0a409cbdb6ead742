#include <troupe/backends/memory/budget.hpp>

namespace troupe::memory {

bool budget::lend(std::size_t n) noexcept {
  auto before = lent();
  do {
    auto most = limit();
    if (before > most || n > most - before)
      return false;
  } while (!lent_.compare_exchange_weak(before, before + n,
                                        std::memory_order_relaxed));
  if (parent_ == nullptr || parent_->lend(n))
    return true;
  lent_.fetch_sub(n, std::memory_order_relaxed);
  return false;
}

void budget::take_back(std::size_t n) noexcept {
  lent_.fetch_sub(n, std::memory_order_relaxed);
  if (parent_ != nullptr)
    parent_->take_back(n);
}

bool allowance::borrow(std::size_t used) noexcept {
  auto missing = used - granted();
  // The last of a budget is less than a piece.
  auto n = std::max(missing, piece());
  if (!from_->lend(n)) {
    n = missing;
    if (!from_->lend(n))
      return false;
  }
  granted_.store(granted() + n, std::memory_order_relaxed);
  return true;
}

void allowance::keep(std::size_t n) noexcept {
  auto before = granted();
  if (before <= n)
    return;
  granted_.store(n, std::memory_order_relaxed);
  from_->take_back(before - n);
}

} // namespace troupe::memory
