#include <algorithm>

#include <apps/bench/trace/frequency_sketch.hpp>
#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache
/// admission policy", ACM TOS 13(4), 2017, with the paper's fixed window of one
/// percent. New keys pass an LRU window; a key that leaves it enters the main
/// part only if it was requested more often than the main part's victim. The
/// main part is a segmented LRU, four fifths of it for keys that were hit there.
class w_tiny_lfu final : public policy {
public:
  w_tiny_lfu(const key_trace& trace, std::size_t capacity)
    : queues_(trace.unique, 3),
      sketch_(capacity),
      window_room_(std::max<std::size_t>(capacity / 100, 1)),
      main_room_(capacity - window_room_),
      safe_room_(main_room_ * 4 / 5) {
    // nop
  }

  bool access(key_id key) override {
    sketch_.add(key);
    switch (queues_.home(key)) {
      case window:
        queues_.move(window, key);
        return true;
      case probation:
      case safe:
        queues_.move(safe, key);
        if (queues_.size(safe) > safe_room_)
          queues_.move(probation, queues_.back(safe));
        return true;
      default:
        queues_.push(window, key);
        if (queues_.size(window) > window_room_)
          admit(queues_.pop(window));
        return false;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return queues_.size(window) + queues_.size(probation) + queues_.size(safe);
  }

private:
  enum queue : std::size_t { window, probation, safe };

  void admit(key_id candidate) {
    if (main_room_ == 0)
      return;
    if (queues_.size(probation) + queues_.size(safe) == main_room_) {
      auto victim
        = queues_.back(queues_.size(probation) > 0 ? probation : safe);
      if (sketch_.estimate(candidate) <= sketch_.estimate(victim))
        return;
      queues_.remove(victim);
    }
    queues_.push(probation, candidate);
  }

  key_queues queues_;
  frequency_sketch sketch_;
  std::size_t window_room_;
  std::size_t main_room_;
  std::size_t safe_room_;
};

} // namespace

std::unique_ptr<policy> make_w_tiny_lfu(const key_trace& trace,
                                        std::size_t capacity) {
  return std::make_unique<w_tiny_lfu>(trace, capacity);
}

} // namespace troupe::bench
