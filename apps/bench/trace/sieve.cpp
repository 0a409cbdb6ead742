#include <vector>

#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// Y. Zhang et al., "SIEVE is simpler than LRU", NSDI 2024: like CLOCK, but what
/// the hand passes keeps its place, so that new keys are judged soon and old
/// ones rarely.
class sieve final : public policy {
public:
  sieve(const key_trace& trace, std::size_t capacity)
    : queues_(trace.unique, 1), used_(trace.unique), capacity_(capacity) {
    // nop
  }

  bool access(key_id key) override {
    if (queues_.contains(key)) {
      used_[key] = true;
      return true;
    }
    if (queues_.size(0) == capacity_)
      evict();
    used_[key] = false;
    queues_.push(0, key);
    return false;
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return queues_.size(0);
  }

private:
  [[nodiscard]] key_id or_oldest(key_id key) const noexcept {
    return key == key_queues::none ? queues_.back(0) : key;
  }

  void evict() {
    auto key = or_oldest(hand_);
    while (used_[key]) {
      used_[key] = false;
      key = or_oldest(queues_.newer(key));
    }
    hand_ = queues_.newer(key);
    queues_.remove(key);
  }

  key_queues queues_;
  std::vector<bool> used_;
  key_id hand_ = key_queues::none; ///< Who is judged next; none: the oldest.
  std::size_t capacity_;
};

} // namespace

std::unique_ptr<policy> make_sieve(const key_trace& trace,
                                   std::size_t capacity) {
  return std::make_unique<sieve>(trace, capacity);
}

} // namespace troupe::bench
