#pragma once

// How a limit is shared by many shards without asking anybody at each write: a
// budget lends its capacity in pieces, each shard spends what it was lent, and
// what it does not need goes back. So an uneven distribution of the keys still
// uses the whole limit.
//
// A shard that has to store an entry, and has nothing else to evict for it,
// overdraws the budget and has the other shards give back as much in the same turn
// (`capacity_source`). What a shard spends is thus always lent to it, and what is
// overdrawn is known to all who share the budget.
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

/// How far shards go that are asked to give capacity back.
enum class yielding : std::uint8_t {
  unspent,       ///< What they were lent and do not use. Nothing is evicted.
  in_proportion, ///< As above; then each evicts in proportion to what it holds.
  all,           ///< As the first; then evictions, largest grants first.
};

/// What a shard that is asked evicts for others.
enum class sacrifice : std::uint8_t {
  nothing,       ///< It gives what it does not use.
  proportionate, ///< No entry that is much larger than what it is asked for.
  anything,
};

/// The shards that borrow from a budget, to get capacity back from. Thread-safe.
class capacity_source {
public:
  virtual ~capacity_source() = default;

  /// Has shards give back up to `n` of what `from` lent; `asker`, which may be
  /// nullptr, is left out. Never waits: a shard that is busy gives nothing now,
  /// and with `yielding::all` it does so in its next turn.
  virtual void collect(const budget& from, std::size_t n, yielding how,
                       const table* asker) noexcept = 0;
};

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

  /// What it lends comes out of `parent`, too, if there is one. Errors call it
  /// by its name.
  explicit budget(std::size_t limit, std::shared_ptr<budget> parent = nullptr,
                  std::string name = "the limit") noexcept
    : parent_(std::move(parent)), name_(std::move(name)), limit_(limit) {
    // nop
  }

  /// Who is asked when the budget is overdrawn; no one by default. Before several
  /// threads use the budget.
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

  /// The smallest limit from here up.
  [[nodiscard]] std::size_t tightest() const noexcept {
    return parent_ == nullptr ? limit()
                              : std::min(limit(), parent_->tightest());
  }

  /// The budget with the smallest limit from here up.
  [[nodiscard]] const budget& narrowest() const noexcept {
    if (parent_ == nullptr)
      return *this;
    auto& above = parent_->narrowest();
    return above.limit() < limit() ? above : *this;
  }

  [[nodiscard]] std::size_t lent() const noexcept {
    return lent_.load(std::memory_order_relaxed);
  }

  /// By how much more is lent than the limit of this budget alone allows.
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

  /// Lends `n` whether or not there is as much.
  void overdraw(std::size_t n) noexcept;

  /// Has those who share this budget give back up to `n` of what is overdrawn, but
  /// at least `least`, which others may borrow then; and when it is not overdrawn any
  /// more, those who share the one above it.
  void collect(std::size_t n, std::size_t least, yielding how,
               const table* asker) const noexcept;

  /// The shards that share this budget return what it is overdrawn by: first each its
  /// part; then the shards with the largest grants return the rest. To be called outside
  /// of all turns, unless this thread holds them.
  void settle() const noexcept {
    settle(yielding::in_proportion);
    settle(yielding::all);
  }

  /// The same, but no further than `how`.
  void settle(yielding how) const noexcept;

  void take_back(std::size_t n) noexcept;

  /// What is lent already stays lent; see `table::obey_limits`.
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

  /// How much `used` is more than what was lent.
  [[nodiscard]] std::size_t lack(std::size_t used) const noexcept {
    auto present = granted();
    return used > present ? used - present : 0;
  }

  /// How much more was lent than `used`.
  [[nodiscard]] std::size_t lent_beyond(std::size_t used) const noexcept {
    auto present = granted();
    return present > used ? present - used : 0;
  }

  /// Borrows what `used` lacks, overdrawing the budgets.
  void overdraw(std::size_t used) noexcept;

  /// Gives `n` back, which is no more than `granted`. What kept it from more when it
  /// asked last stays known, unlike after `keep`.
  void give_up(std::size_t n) noexcept;

  /// Lets `other`, which borrows from the same budget, have `n` of what was lent.
  void pass_on(std::size_t n, allowance& other) noexcept {
    granted_.store(granted() - n, std::memory_order_relaxed);
    other.granted_.store(other.granted() + n, std::memory_order_relaxed);
  }

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
