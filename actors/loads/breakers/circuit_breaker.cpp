#include <troupe/actors/loads/breakers/circuit_breaker.hpp>

#include <algorithm>

namespace troupe {

bool circuit_breaker::allow(time_point now) noexcept {
  std::lock_guard guard{mutex_};
  if (state_ == breaker_state::closed)
    return true;
  if (state_ == breaker_state::open && open_until_ <= now) {
    state_ = breaker_state::half_open;
    return true;
  }
  ++refused_;
  return false;
}

void circuit_breaker::succeeded() noexcept {
  std::lock_guard guard{mutex_};
  state_ = breaker_state::closed;
  failures_ = 0;
}

void circuit_breaker::failed(time_point now) noexcept {
  std::lock_guard guard{mutex_};
  if (options_.failures == 0)
    return;
  ++failures_;
  // A load that began before the breaker opened does not keep it open for longer.
  const auto opens
    = state_ == breaker_state::half_open
      || (state_ == breaker_state::closed && failures_ >= options_.failures);
  if (!opens)
    return;
  state_ = breaker_state::open;
  open_until_ = now + options_.open_for;
  ++opened_;
}

void circuit_breaker::unknown() noexcept {
  std::lock_guard guard{mutex_};
  // The next load may try.
  if (state_ == breaker_state::half_open)
    state_ = breaker_state::open;
}

breaker_view circuit_breaker::view(time_point now) const {
  std::lock_guard guard{mutex_};
  breaker_view result{options_.name, state_, failures_, opened_, refused_, {}};
  if (state_ == breaker_state::open)
    result.remaining = std::max(open_until_ - now, std::chrono::nanoseconds{0});
  return result;
}

} // namespace troupe
