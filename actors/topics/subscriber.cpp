#include <troupe/actors/topics/subscriber.hpp>

#include <new>
#include <utility>

namespace troupe {

bool subscriber::deliver(delivery x) noexcept {
  bool heard = false;
  {
    std::lock_guard lock{mutex_};
    if (state_ == subscriber_state::closed)
      return false;
    heard = put(x);
    if (std::exchange(heard ? woken_ : warned_, true))
      return heard;
  }
  if (!wake()) {
    std::lock_guard lock{mutex_};
    (heard ? woken_ : warned_) = false;
  }
  return heard;
}

// Called under the mutex. When there is no memory, the queue counts as full. The owner
// frees the waiting messages of a cut subscriber, so the publisher does not spend time
// on that.
bool subscriber::put(delivery& x) noexcept {
  const auto size = x.bytes();
  if (state_ != subscriber_state::open)
    return false;
  why_cut_ = look_at_limits(size);
  try {
    if (why_cut_ == cut_reason::none) {
      waiting_.push_back(std::move(x));
      bytes_ += size;
      return true;
    }
  } catch (const std::bad_alloc&) {
    why_cut_ = cut_reason::hard;
  }
  state_ = subscriber_state::cut;
  return false;
}

// Called under the mutex.
cut_reason subscriber::look_at_limits(std::size_t more) noexcept {
  const auto limits = limits_.get();
  // The limits may have been lowered below what already waits.
  if (waiting_.size() >= limits.messages || bytes_ + more > limits.bytes)
    return cut_reason::hard;
  if (limits.soft_bytes == 0 || bytes_ + more <= limits.soft_bytes) {
    over_soft_since_ = never;
    return cut_reason::none;
  }
  const auto now = time_.now();
  if (over_soft_since_ == never)
    over_soft_since_ = now;
  return now - over_soft_since_ > limits.soft_time ? cut_reason::soft
                                                   : cut_reason::none;
}

bool subscriber::take(std::size_t enough, std::vector<delivery>& out) {
  std::lock_guard lock{mutex_};
  if (state_ != subscriber_state::open)
    return false;
  for (std::size_t taken = 0; !waiting_.empty() && taken < enough;) {
    auto& next = waiting_.front();
    const auto size = next.bytes();
    out.push_back(std::move(next));
    waiting_.pop_front();
    bytes_ -= size;
    taken += size + sizeof(delivery);
  }
  if (bytes_ <= limits_.get().soft_bytes)
    over_soft_since_ = never;
  woken_ = !waiting_.empty();
  return woken_;
}

void subscriber::close() noexcept {
  std::deque<delivery> forgotten;
  std::lock_guard lock{mutex_};
  state_ = subscriber_state::closed;
  forgotten.swap(waiting_);
  bytes_ = 0;
}

cut_reason subscriber::why_cut() const noexcept {
  std::lock_guard lock{mutex_};
  return why_cut_;
}

subscriber_state subscriber::state() const noexcept {
  std::lock_guard lock{mutex_};
  return state_;
}

} // namespace troupe
