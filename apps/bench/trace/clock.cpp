#include <vector>

#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// F. J. Corbató, "A paging experiment with the Multics system", 1968: first in,
/// first out, with a second chance for keys that were hit since the hand passed.
/// Written as a queue: what the hand passes becomes the newest.
class clock final : public policy {
public:
  clock(const key_trace& trace, std::size_t capacity)
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
  void evict() {
    for (auto key = queues_.back(0); used_[key]; key = queues_.back(0)) {
      used_[key] = false;
      queues_.move(0, key);
    }
    queues_.pop(0);
  }

  key_queues queues_;
  std::vector<bool> used_;
  std::size_t capacity_;
};

} // namespace

std::unique_ptr<policy> make_clock(const key_trace& trace,
                                   std::size_t capacity) {
  return std::make_unique<clock>(trace, capacity);
}

} // namespace troupe::bench
