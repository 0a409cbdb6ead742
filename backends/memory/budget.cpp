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

void budget::lend_anyway(std::size_t n) noexcept {
  lent_.fetch_add(n, std::memory_order_relaxed);
  if (parent_ != nullptr)
    parent_->lend_anyway(n);
}

std::size_t budget::overdraft() const noexcept {
  const auto present = lent();
  const auto own = present - std::min(present, limit());
  return parent_ == nullptr ? own : std::max(own, parent_->overdraft());
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
    if (!from_->lend(n)) {
      refused_.store(obstacle(n), std::memory_order_relaxed);
      return false;
    }
  }
  refused_.store(nullptr, std::memory_order_relaxed);
  granted_.store(granted() + n, std::memory_order_relaxed);
  return true;
}

/// The first budget from here up that cannot lend `n`, if any.
const budget* allowance::obstacle(std::size_t n) const noexcept {
  for (const budget* x = from_.get(); x != nullptr; x = x->parent())
    if (!x->can_lend(n))
      return x;
  return nullptr;
}

const budget* allowance::refused_by(std::size_t used) const noexcept {
  auto present = granted();
  return used > present ? obstacle(used - present)
                        : refused_.load(std::memory_order_relaxed);
}

void allowance::keep(std::size_t n) noexcept {
  auto before = granted();
  if (before <= n)
    return;
  refused_.store(nullptr, std::memory_order_relaxed);
  granted_.store(n, std::memory_order_relaxed);
  from_->take_back(before - n);
}

} // namespace troupe::memory
