#pragma once

// Lets many shards share a limit without a common step at each write. A budget lends its
// capacity in pieces. Each shard spends the capacity that it borrowed, and returns the
// capacity that it does not need. So an uneven distribution of the keys still uses the
// whole limit.
//
// A shard that must store an entry, and has no other entry to evict for it, overdraws
// the budget; in the same turn it makes other shards return as much
// (`capacity_source`). So what a shard spends is always lent to it, and all that share
// the budget know by how much it is overdrawn.
//
//   runtime's budget ── region's budget ─┬ allowance of a shard
//                    │                   └ namespace's budget ─┬ allowance
//                    │                                         └ allowance
//                    └─ region's budget ── allowance

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace troupe::memory {

class budget;
class table;

/// How far shards go when they are asked to return capacity.
enum class yielding : std::uint8_t {
  unspent,       ///< Only capacity that they do not use. Nothing is evicted.
  in_proportion, ///< Like `unspent`; then each evicts in proportion.
  all,           ///< Like `unspent`; then evictions, largest grants first.
};

/// What a shard may evict for other shards.
enum class sacrifice : std::uint8_t {
  nothing,       ///< It returns only capacity that it does not use.
  proportionate, ///< No entry that is much larger than the request.
  anything,
};

/// The shards that borrow from a budget; they can be asked to return capacity.
/// Thread-safe.
class capacity_source {
public:
  virtual ~capacity_source() = default;

  /// Makes shards return up to `n` of what `from` lent, except `asker`, which may be
  /// nullptr. Never waits: a busy shard returns nothing now; with `yielding::all` it
  /// does so in its next turn.
  virtual void collect(const budget& from, std::size_t n, yielding how,
                       const table* asker) noexcept = 0;
};

/// A limit, in bytes or in entries, and how much of it is lent. Thread-safe.
class budget {
public:
  static constexpr std::size_t unlimited
    = std::numeric_limits<std::size_t>::max();

  /// The limit of an option, in which 0 means no limit, and back.
  [[nodiscard]] static std::size_t limit_of(std::size_t option) noexcept {
    return option == 0 ? unlimited : option;
  }

  [[nodiscard]] std::size_t option() const noexcept {
    return limit() == unlimited ? 0 : limit();
  }

  /// What it lends is also taken from `parent`, if there is one. `name` is its name in
  /// errors.
  explicit budget(std::size_t limit, std::shared_ptr<budget> parent = nullptr,
                  std::string name = "the limit") noexcept
    : parent_(std::move(parent)), name_(std::move(name)), limit_(limit) {
    // nop
  }

  /// Sets the shards that return capacity when the budget is overdrawn; default: none.
  /// Must be called before several threads use the budget.
  void collect_from(std::shared_ptr<capacity_source> lenders) noexcept {
    lenders_ = std::move(lenders);
  }

  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  budget(const budget&) = delete;
  budget& operator=(const budget&) = delete;

  /// The limit of this budget alone.
  [[nodiscard]] std::size_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }

  /// The smallest limit of this budget and those above it.
  [[nodiscard]] std::size_t tightest() const noexcept {
    return parent_ == nullptr ? limit()
                              : std::min(limit(), parent_->tightest());
  }

  /// The budget with the smallest limit, of this one and those above it.
  [[nodiscard]] const budget& narrowest() const noexcept {
    if (parent_ == nullptr)
      return *this;
    auto& above = parent_->narrowest();
    return above.limit() < limit() ? above : *this;
  }

  [[nodiscard]] std::size_t lent() const noexcept {
    return lent_.load(std::memory_order_relaxed);
  }

  /// By how much the lent amount exceeds the limit of this budget alone.
  [[nodiscard]] std::size_t overdrawn() const noexcept {
    auto most = limit();
    auto present = lent();
    return present > most ? present - most : 0;
  }

  /// The most by which this budget or one above it is overdrawn.
  [[nodiscard]] std::size_t most_overdrawn() const noexcept {
    return parent_ == nullptr
             ? overdrawn()
             : std::max(overdrawn(), parent_->most_overdrawn());
  }

  /// The budget that it borrows from, or nullptr.
  [[nodiscard]] const budget* parent() const noexcept {
    return parent_.get();
  }

  /// Whether this budget alone could lend `n` more.
  [[nodiscard]] bool can_lend(std::size_t n) const noexcept {
    auto most = limit();
    auto present = lent();
    return present <= most && n <= most - present;
  }

  /// The share of `used` that may stay so that it fits this budget alone: at most 1.
  [[nodiscard]] double part_of(std::size_t used) const noexcept {
    auto most = limit();
    return used <= most ? 1.0
                        : static_cast<double>(most) / static_cast<double>(used);
  }

  /// Lends all of `n` or nothing.
  [[nodiscard]] bool lend(std::size_t n) noexcept;

  /// Lends `n` even when there is not as much.
  void overdraw(std::size_t n) noexcept;

  /// Makes the shards of this budget return up to `n` of the overdrawn amount, at least
  /// `least`, which other shards may borrow then. When this budget is no longer
  /// overdrawn, continues with the shards of the one above it.
  void collect(std::size_t n, std::size_t least, yielding how,
               const table* asker) const noexcept;

  /// Makes the shards that share this budget return the overdrawn amount: first each
  /// its part, then the shards with the largest grants the rest. Must be called outside
  /// of all turns, unless this thread holds them.
  void settle() const noexcept {
    settle(yielding::in_proportion);
    settle(yielding::all);
  }

  /// The same, but no further than `how`.
  void settle(yielding how) const noexcept;

  void take_back(std::size_t n) noexcept;

  /// What is already lent stays lent; see `table::obey_limits`.
  void set_limit(std::size_t n) noexcept {
    limit_.store(n, std::memory_order_relaxed);
  }

private:
  std::shared_ptr<budget> parent_;
  std::shared_ptr<capacity_source> lenders_;
  std::string name_;
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> lent_{0};
};

/// What one shard was lent. Belongs to the shard's turn, except for `granted`.
class allowance {
public:
  /// One of `shares` borrowers of the same budget; `largest_piece` is the amount that
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

  /// Borrows what is needed so that `used` may be spent; returns whether it may.
  [[nodiscard]] bool cover(std::size_t used) noexcept {
    return used <= granted() || borrow(used);
  }

  /// Returns what was lent beyond `used` and a spare piece.
  void return_spare(std::size_t used) noexcept {
    keep(used + piece());
  }

  /// Returns what was lent beyond `n`; the caller spends less then.
  void keep(std::size_t n) noexcept;

  /// How much `used` exceeds what was lent.
  [[nodiscard]] std::size_t lack(std::size_t used) const noexcept {
    auto present = granted();
    return used > present ? used - present : 0;
  }

  /// How much what was lent exceeds `used`.
  [[nodiscard]] std::size_t lent_beyond(std::size_t used) const noexcept {
    auto present = granted();
    return present > used ? present - used : 0;
  }

  /// Borrows what `used` lacks, and overdraws the budgets.
  void overdraw(std::size_t used) noexcept;

  /// Returns `n`, at most `granted`. Unlike `keep`, it does not forget which budget
  /// refused the last request.
  void give_up(std::size_t n) noexcept;

  /// Passes `n` of what was lent to `other`, which borrows from the same budget.
  void pass_on(std::size_t n, allowance& other) noexcept {
    granted_.store(granted() - n, std::memory_order_relaxed);
    other.granted_.store(other.granted() + n, std::memory_order_relaxed);
  }

  /// Whether a limit is set.
  [[nodiscard]] bool limited() const noexcept {
    return from_->tightest() != budget::unlimited;
  }

  /// Whether an eighth of what was lent is unused, or there is no limit.
  [[nodiscard]] bool roomy(std::size_t used) const noexcept {
    return used < granted() - granted() / 8 || !limited();
  }

  /// Whether there is a limit and a piece that it can spare. Thread-safe.
  [[nodiscard]] bool can_yield() const noexcept {
    return limited() && granted() >= 2 * piece();
  }

  /// The budget, of this one's and those above it, that refused the last request;
  /// nullptr when none did, or when what `used` lacks is available by now. Thread-safe.
  [[nodiscard]] const budget* refused_by(std::size_t used) const noexcept;

  [[nodiscard]] budget& source() const noexcept {
    return *from_;
  }

  /// How much is borrowed at a time: small enough that the unused part is a few per
  /// cent of a limit, large enough that borrowing is rare.
  [[nodiscard]] std::size_t piece() const noexcept {
    return std::clamp<std::size_t>(
      from_->tightest() / (shares_ * pieces_per_share), 1, largest_piece_);
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
