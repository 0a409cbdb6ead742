#pragma once

// How a limit is shared by many shards without asking anybody at each write: a
// budget lends its capacity in pieces, each shard spends what it was lent, and
// what it does not need goes back. So an uneven distribution of the keys still
// uses the whole limit, and the sum of what is spent never passes it.
//
//   runtime's budget ── region's budget ─┬ allowance of a shard
//                    │                   └ namespace's budget ─┬ allowance
//                    │                                         └ allowance
//                    └─ region's budget ── allowance

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

namespace troupe::memory {

/// A limit, in bytes or in entries, and how much of it is lent. Thread-safe.
class budget {
public:
  static constexpr std::size_t unlimited
    = std::numeric_limits<std::size_t>::max();

  /// The limit that an option asks for, 0 meaning none, and back.
  [[nodiscard]] static std::size_t limit_of(std::size_t option) noexcept {
    return option == 0 ? unlimited : option;
  }

  [[nodiscard]] std::size_t option() const noexcept {
    return limit() == unlimited ? 0 : limit();
  }

  /// What it lends comes out of `parent`, too, if there is one.
  explicit budget(std::size_t limit,
                  std::shared_ptr<budget> parent = nullptr) noexcept
    : parent_(std::move(parent)), limit_(limit) {
    // nop
  }

  budget(const budget&) = delete;
  budget& operator=(const budget&) = delete;

  /// The limit of this budget alone.
  [[nodiscard]] std::size_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }

  /// The smallest limit from here up.
  [[nodiscard]] std::size_t tightest() const noexcept {
    return parent_ == nullptr ? limit()
                              : std::min(limit(), parent_->tightest());
  }

  [[nodiscard]] std::size_t lent() const noexcept {
    return lent_.load(std::memory_order_relaxed);
  }

  /// Where what it lends comes from, or nullptr.
  [[nodiscard]] const budget* parent() const noexcept {
    return parent_.get();
  }

  /// Whether `n` more could be lent as far as this budget alone is concerned.
  [[nodiscard]] bool can_lend(std::size_t n) const noexcept {
    auto most = limit();
    auto present = lent();
    return present <= most && n <= most - present;
  }

  /// Which part of `used` may stay so that this budget alone is enough for it: 1
  /// or less.
  [[nodiscard]] double part_of(std::size_t used) const noexcept {
    auto most = limit();
    return used <= most ? 1.0
                        : static_cast<double>(most) / static_cast<double>(used);
  }

  /// Lends all of `n` or nothing.
  [[nodiscard]] bool lend(std::size_t n) noexcept;

  /// Lends `n` although the limit may not allow it.
  void lend_anyway(std::size_t n) noexcept;

  /// How much more is lent than this budget, or one from here up, allows.
  [[nodiscard]] std::size_t overdraft() const noexcept;

  void take_back(std::size_t n) noexcept;

  /// What is lent already stays lent; see `table::obey_limits`.
  void set_limit(std::size_t n) noexcept {
    limit_.store(n, std::memory_order_relaxed);
  }

private:
  std::shared_ptr<budget> parent_;
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> lent_{0};
};

/// What one shard was lent. Belongs to the shard's turn, but for `granted`.
class allowance {
public:
  /// One of `shares` that borrow from the same budget; `largest_piece` is what
  /// it asks for when there is no limit.
  allowance(std::shared_ptr<budget> from, std::size_t shares,
            std::size_t largest_piece) noexcept
    : from_(std::move(from)), shares_(shares), largest_piece_(largest_piece) {
    // nop
  }

  ~allowance() {
    from_->take_back(granted());
  }

  allowance(const allowance&) = delete;
  allowance& operator=(const allowance&) = delete;

  /// Makes sure that `used` may be spent, by borrowing where needed; tells
  /// whether it may.
  [[nodiscard]] bool cover(std::size_t used) noexcept {
    return used <= granted() || borrow(used);
  }

  /// Gives back what more than `used` and a spare piece was lent.
  void return_spare(std::size_t used) noexcept {
    keep(used + piece());
  }

  /// Gives back what more than `n` was lent; the caller spends less then.
  void keep(std::size_t n) noexcept;

  /// Whether somebody set a limit.
  [[nodiscard]] bool limited() const noexcept {
    return from_->tightest() != budget::unlimited;
  }

  /// Whether an eighth of what was lent is free, or there is no limit.
  [[nodiscard]] bool roomy(std::size_t used) const noexcept {
    return used < granted() - granted() / 8 || !limited();
  }

  /// Whether there is a limit and a piece to spare under it. Thread-safe.
  [[nodiscard]] bool can_yield() const noexcept {
    return limited() && granted() >= 2 * piece();
  }

  /// The budget, from here up, that refused what was asked for last; nullptr when
  /// none did, or when what `used` lacks could be had by now. Thread-safe.
  [[nodiscard]] const budget* refused_by(std::size_t used) const noexcept;

  [[nodiscard]] budget& source() const noexcept {
    return *from_;
  }

  /// How much is borrowed at a time: small enough that what lies idle is a few
  /// per cent of a limit, large enough that borrowing is rare.
  [[nodiscard]] std::size_t piece() const noexcept {
    return std::clamp<std::size_t>(from_->tightest()
                                     / (shares_ * pieces_per_share),
                                   1, largest_piece_);
  }

  /// Thread-safe.
  [[nodiscard]] std::size_t granted() const noexcept {
    return granted_.load(std::memory_order_relaxed);
  }

private:
  static constexpr std::size_t pieces_per_share = 32;

  [[nodiscard]] bool borrow(std::size_t used) noexcept;
  [[nodiscard]] const budget* obstacle(std::size_t n) const noexcept;

  std::shared_ptr<budget> from_;
  std::size_t shares_;
  std::size_t largest_piece_;
  // Written by the owner only.
  std::atomic<std::size_t> granted_{0};
  std::atomic<const budget*> refused_{nullptr};
};

} // namespace troupe::memory
