#include <apps/bench/trace/key_queues.hpp>

namespace troupe::bench {

namespace {

/// Least recently used: every hit makes its key the newest.
class lru final : public policy {
public:
  lru(const key_trace& trace, std::size_t capacity)
    : queues_(trace.unique, 1), capacity_(capacity) {
    // nop
  }

  bool access(key_id key) override {
    if (queues_.contains(key)) {
      queues_.move(0, key);
      return true;
    }
    if (queues_.size(0) == capacity_)
      queues_.pop(0);
    queues_.push(0, key);
    return false;
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return queues_.size(0);
  }

private:
  key_queues queues_;
  std::size_t capacity_;
};

} // namespace

std::unique_ptr<policy> make_lru(const key_trace& trace, std::size_t capacity) {
  return std::make_unique<lru>(trace, capacity);
}

} // namespace troupe::bench
