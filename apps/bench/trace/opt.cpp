#include <cstdint>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include <apps/bench/trace/policy.hpp>

namespace troupe::bench {

namespace {

/// L. A. Belady, "A study of replacement algorithms for a virtual-storage
/// computer", IBM Systems Journal 5(2), 1966: what is needed again last goes
/// first, be it the key that just came in. No policy has more hits; it needs to
/// know the future, so it is a bound and no rival.
class opt final : public policy {
public:
  opt(const key_trace& trace, std::size_t capacity)
    : next_use_(trace.requests.size()),
      held_until_(trace.unique, absent),
      capacity_(capacity) {
    std::vector<std::uint64_t> next(trace.unique, never);
    for (std::size_t i = trace.requests.size(); i-- > 0;) {
      next_use_[i] = next[trace.requests[i]];
      next[trace.requests[i]] = i;
    }
  }

  bool access(key_id key) override {
    auto again = next_use_[now_++];
    auto hit = held_until_[key] != absent;
    held_until_[key] = again;
    order_.emplace(again, key);
    if (!hit && ++size_ > capacity_)
      evict();
    return hit;
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return size_;
  }

private:
  static constexpr auto never = std::numeric_limits<std::uint64_t>::max() - 1;
  static constexpr auto absent = std::numeric_limits<std::uint64_t>::max();

  void evict() {
    // A use that came to pass left its entry behind; those with the latest next
    // use are on top, so what is passed lies at the bottom. Only a key that is
    // never used again can be there twice.
    for (;;) {
      auto [until, key] = order_.top();
      order_.pop();
      if (held_until_[key] != until)
        continue;
      held_until_[key] = absent;
      --size_;
      return;
    }
  }

  std::vector<std::uint64_t> next_use_;   ///< Of the key of each request.
  std::vector<std::uint64_t> held_until_; ///< Next use, or `absent`, by key.
  std::priority_queue<std::pair<std::uint64_t, key_id>> order_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t now_ = 0;
};

} // namespace

std::unique_ptr<policy> make_opt(const key_trace& trace, std::size_t capacity) {
  return std::make_unique<opt>(trace, capacity);
}

} // namespace troupe::bench
