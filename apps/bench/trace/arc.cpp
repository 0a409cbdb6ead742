#include <algorithm>

#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// N. Megiddo, D. S. Modha, "ARC: a self-tuning, low overhead replacement
/// cache", FAST 2003. Two LRU queues, of keys seen once and more often, each
/// with as many ghosts; a hit in a queue of ghosts shows which of the two should
/// have more room, and moves the target for the first. The names are the
/// paper's: T1 is `once`, T2 `often`, p `target_`.
class arc final : public policy {
public:
  arc(const key_trace& trace, std::size_t capacity)
    : queues_(trace.unique, 4), capacity_(capacity) {
    // nop
  }

  bool access(key_id key) override {
    switch (queues_.home(key)) {
      case once:
      case often:
        queues_.move(often, key);
        return true;
      case once_ghost:
        target_ = std::min(target_ + step(often_ghost, once_ghost),
                           static_cast<double>(capacity_));
        replace(false);
        queues_.move(often, key);
        return false;
      case often_ghost:
        target_ = std::max(target_ - step(once_ghost, often_ghost), 0.0);
        replace(true);
        queues_.move(often, key);
        return false;
      default:
        make_room();
        queues_.push(once, key);
        return false;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return queues_.size(once) + queues_.size(often);
  }

private:
  enum queue : std::size_t { once, often, once_ghost, often_ghost };

  [[nodiscard]] double step(queue other, queue hit) const noexcept {
    return std::max(static_cast<double>(queues_.size(other))
                      / static_cast<double>(queues_.size(hit)),
                    1.0);
  }

  /// For a key that is in no queue (case IV of the paper).
  void make_room() {
    auto seen_once = queues_.size(once) + queues_.size(once_ghost);
    auto all = seen_once + queues_.size(often) + queues_.size(often_ghost);
    if (seen_once == capacity_) {
      if (queues_.size(once) == capacity_) {
        queues_.pop(once);
        return;
      }
      queues_.pop(once_ghost);
      replace(false);
    } else if (all >= capacity_) {
      if (all == 2 * capacity_)
        queues_.pop(often_ghost);
      replace(false);
    }
  }

  /// Makes a ghost of the oldest key of the queue that is above its target.
  void replace(bool often_came_back) {
    auto size = static_cast<double>(queues_.size(once));
    auto above = size > target_ || (often_came_back && size == target_);
    if (queues_.size(once) > 0 && above)
      queues_.move(once_ghost, queues_.back(once));
    else
      queues_.move(often_ghost, queues_.back(often));
  }

  key_queues queues_;
  double target_ = 0; ///< How many keys seen once there should be.
  std::size_t capacity_;
};

} // namespace

std::unique_ptr<policy> make_arc(const key_trace& trace, std::size_t capacity) {
  return std::make_unique<arc>(trace, capacity);
}

} // namespace troupe::bench
