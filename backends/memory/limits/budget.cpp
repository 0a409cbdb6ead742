#include <troupe/backends/memory/limits/budget.hpp>

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

void budget::overdraw(std::size_t n) noexcept {
  lent_.fetch_add(n, std::memory_order_relaxed);
  if (parent_ != nullptr)
    parent_->overdraw(n);
}

void budget::collect(std::size_t n, std::size_t least, yielding how,
                     const table* asker) const noexcept {
  for (const auto* x = this; x != nullptr; x = x->parent()) {
    auto wanted = std::min(n, x->overdrawn());
    if (wanted == 0)
      continue;
    if (x->lenders_ != nullptr)
      x->lenders_->collect(*x, std::max(wanted, least), how, asker);
    // Capacity that the sharers of this budget return is not available to the one above
    // it, and capacity from others would not help.
    if (x->overdrawn() > 0)
      return;
  }
}

void budget::settle(yielding how) const noexcept {
  if (auto n = overdrawn(); n > 0 && lenders_ != nullptr)
    lenders_->collect(*this, n, how, nullptr);
}

void budget::take_back(std::size_t n) noexcept {
  lent_.fetch_sub(n, std::memory_order_relaxed);
  if (parent_ != nullptr)
    parent_->take_back(n);
}

bool allowance::borrow(std::size_t used) noexcept {
  auto missing = used - granted();
  // The last capacity of a budget is less than a piece.
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

/// The first budget, of this one's and those above it, that cannot lend `n`, if any.
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

void allowance::overdraw(std::size_t used) noexcept {
  auto missing = lack(used);
  if (missing == 0)
    return;
  from_->overdraw(missing);
  granted_.store(granted() + missing, std::memory_order_relaxed);
}

void allowance::give_up(std::size_t n) noexcept {
  granted_.store(granted() - n, std::memory_order_relaxed);
  from_->take_back(n);
}

} // namespace troupe::memory
