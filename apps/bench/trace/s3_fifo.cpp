#include <algorithm>
#include <cstdint>
#include <vector>

#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// J. Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023.
/// New keys pass a small queue, a tenth of the room; those hit twice there go on
/// to the main one, the others leave but are remembered for a while, and go to
/// the main queue at once when they come back. The main queue gives another
/// round per hit, three at most.
class s3_fifo final : public policy {
public:
  s3_fifo(const key_trace& trace, std::size_t capacity)
    : queues_(trace.unique, 3),
      hits_(trace.unique),
      capacity_(capacity),
      main_room_(capacity - std::max<std::size_t>(capacity / 10, 1)),
      ghosts_(capacity * 9 / 10) {
    // nop
  }

  bool access(key_id key) override {
    auto home = queues_.home(key);
    if (home == small || home == main) {
      hits_[key] = std::min<std::uint8_t>(hits_[key] + 1, most_hits);
      return true;
    }
    auto known = home == ghost;
    if (known)
      queues_.remove(key);
    while (size() >= capacity_)
      evict();
    hits_[key] = 0;
    queues_.push(known ? main : small, key);
    return false;
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return queues_.size(small) + queues_.size(main);
  }

private:
  enum queue : std::size_t { small, main, ghost };

  static constexpr std::uint8_t most_hits = 3;
  static constexpr std::uint8_t hits_to_move = 2;

  void evict() {
    if (queues_.size(main) > main_room_ || queues_.size(small) == 0)
      evict_main();
    else
      evict_small();
  }

  void evict_main() {
    while (hits_[queues_.back(main)] > 0) {
      auto key = queues_.back(main);
      --hits_[key];
      queues_.move(main, key);
    }
    queues_.pop(main);
  }

  /// Evicts the oldest key of the small queue, or moves it on. Then the main
  /// queue may be too long, and is next to evict.
  void evict_small() {
    auto key = queues_.pop(small);
    if (hits_[key] >= hits_to_move) {
      hits_[key] = 0;
      queues_.push(main, key);
    } else {
      remember(key);
    }
  }

  void remember(key_id key) {
    if (ghosts_ == 0)
      return;
    if (queues_.size(ghost) == ghosts_)
      queues_.pop(ghost);
    queues_.push(ghost, key);
  }

  key_queues queues_;
  std::vector<std::uint8_t> hits_;
  std::size_t capacity_;
  std::size_t main_room_;
  std::size_t ghosts_;
};

} // namespace

std::unique_ptr<policy> make_s3_fifo(const key_trace& trace,
                                     std::size_t capacity) {
  return std::make_unique<s3_fifo>(trace, capacity);
}

} // namespace troupe::bench
