#include "apps/server/clients/answer_slot.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace troupe::server {

// -- one reply ---------------------------------------------------------------------

answer_slot::answer_slot(std::shared_ptr<answer_line> line, waiting_time most)
  : line_(std::move(line)), most_(std::move(most)) {
  // nop
}

bool answer_slot::put(reply_function&& write) noexcept {
  auto expected = state::waiting;
  if (!state_.compare_exchange_strong(expected, state::answering,
                                      std::memory_order_acq_rel))
    return false;
  reply_ = std::move(write);
  state_.store(state::answered, std::memory_order_release);
  line_->push(shared_from_this());
  return true;
}

bool answer_slot::time_over() {
  if (!put(reply_function{most_.timed_out}))
    return false;
  stop_.request_stop();
  return true;
}

bool answer_slot::interrupt(std::string_view error) {
  if (!put([text = std::string{error}](resp::reply_writer& to) {
        to.error(text);
      }))
    return false;
  stop_.request_stop();
  return true;
}

void answer_slot::write(resp::reply_writer& to) {
  reply_(to);
}

void answer_slot::cancel() noexcept {
  auto expected = state::waiting;
  if (state_.compare_exchange_strong(expected, state::cancelled,
                                     std::memory_order_acq_rel))
    stop_.request_stop();
}

// -- the line of a thread ----------------------------------------------------------

answer_line::answer_line(std::function<bool()> wake) : wake_(std::move(wake)) {
  // nop
}

answer_line::~answer_line() {
  close();
}

void answer_line::push(std::shared_ptr<answer_slot> x) noexcept {
  std::lock_guard lock{mutex_};
  if (!wake_)
    return;
  auto* const added = x.get();
  (last_ != nullptr ? last_->next_ : first_) = std::move(x);
  last_ = added;
  if (!woken_)
    woken_ = wake_();
}

std::shared_ptr<answer_slot> answer_line::take() noexcept {
  std::lock_guard lock{mutex_};
  auto result = std::move(first_);
  if (result == nullptr) {
    woken_ = false;
    return nullptr;
  }
  first_ = std::move(result->next_);
  if (first_ == nullptr)
    last_ = nullptr;
  return result;
}

// Drops the slots one by one: the destructor of the first slot would otherwise call
// the destructors of all slots behind it, nested, and overflow the stack.
void answer_line::close() noexcept {
  {
    std::lock_guard lock{mutex_};
    wake_ = nullptr;
  }
  while (take() != nullptr)
    ;
}

} // namespace troupe::server
