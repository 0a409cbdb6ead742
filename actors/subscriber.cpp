#include <troupe/actors/subscriber.hpp>

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

// Under the mutex. No room in memory is no room in the queue. What waits in the
// queue of one that is cut is freed by its owner, not by the publisher.
bool subscriber::put(delivery& x) noexcept {
  const auto size = x.bytes();
  try {
    if (state_ == subscriber_state::open && waiting_.size() < limits_.messages
        && size <= limits_.bytes - bytes_) {
      waiting_.push_back(std::move(x));
      bytes_ += size;
      return true;
    }
  } catch (const std::bad_alloc&) {
    // The subscriber is cut.
  }
  state_ = subscriber_state::cut;
  return false;
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

subscriber_state subscriber::state() const noexcept {
  std::lock_guard lock{mutex_};
  return state_;
}

} // namespace troupe
