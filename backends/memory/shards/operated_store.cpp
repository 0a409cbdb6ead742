#include <troupe/backends/memory/shards/operated_store.hpp>

namespace troupe::memory {

operated_store::operated_store(std::string name, const store_options& options,
                               std::chrono::milliseconds op_timeout,
                               lane_executor& executor)
  : name_(std::move(name)),
    op_timeout_(op_timeout),
    store_(options),
    mailbox_(executor) {
  // nop
}

// -- in the shard's turn -----------------------------------------------------------

/// Marks that the operation was not completed in the turn that admitted it. An
/// operation that is admitted again, and must wait again, has a waiter that reads this
/// mark.
void operated_store::park(store_operation& op) noexcept {
  if (!op.parked_)
    op.parked_ = true;
}

/// Runs, parks or rejects an operation; every operation passes here.
void operated_store::admit(store_operation& op) noexcept {
  switch (state_.load(std::memory_order_relaxed)) {
    case part_state::running:
      if (op.leased_key() != nullptr && waits_for_lease(op)) [[unlikely]]
        return;
      complete(op, &store_, errc::none);
      break;
    case part_state::restarting:
      park(op);
      waiting_.push(op);
      break;
    case part_state::failed:
      complete(op, nullptr, errc::shard_down);
      break;
    case part_state::stopped:
      complete(op, nullptr, errc::shutting_down);
      break;
  }
}

/// Parks the operation when another operation holds its key's update lease.
bool operated_store::waits_for_lease(store_operation& op) noexcept {
  auto& leases = store_.updates();
  if (!leases.held(op.leased_key()->key)) [[likely]]
    return false;
  park(op);
  leases.park(op);
  // An overdue lease ends here; operations that waited for it, including this one, are
  // admitted again in order.
  leases.release_overdue(store_.now());
  admit_released();
  return true;
}

/// Completes an operation, which must not be touched afterwards, and then admits the
/// operations that its end released.
void operated_store::complete(store_operation& op, store* in,
                              errc why) noexcept {
  auto awaited = op.parked_ && !op.detached_;
  auto* word = &op.phase_;
  op.complete_(op, in, why);
  if (awaited
      && word->exchange(store_operation::completed, std::memory_order_acq_rel)
           == store_operation::asleep)
    futex_wake_one(word);
  admit_released();
}

/// The part of `admit_released` for when there are operations to admit. An operation
/// may end another lease; the outermost call handles that, so the stack stays flat.
void operated_store::admit_all_released() noexcept {
  if (admitting_)
    return;
  auto released = store_.updates().take_released();
  admitting_ = true;
  while (auto* op = released.pop()) {
    admit(static_cast<store_operation&>(*op));
    released.append(store_.updates().take_released());
  }
  admitting_ = false;
}

std::optional<error> operated_store::refusal() const {
  switch (state_.load(std::memory_order_acquire)) {
    case part_state::failed:
      return rejection(errc::shard_down);
    case part_state::stopped:
      return rejection(errc::shutting_down);
    default:
      return std::nullopt;
  }
}

void operated_store::admit_waiting() noexcept {
  auto waiting = std::move(waiting_);
  while (auto* op = waiting.pop())
    admit(static_cast<store_operation&>(*op));
}

void operated_store::admit_everything() noexcept {
  store_.updates().release_all();
  waiting_.append(store_.updates().take_released());
  while (auto* op = waiting_.pop())
    admit(static_cast<store_operation&>(*op));
}

/// Waits for a parked operation: until it completes, or for `op_timeout`; then the
/// operation is removed and rejected.
void operated_store::await(store_operation& op) noexcept {
  auto& word = op.phase_;
  auto until = std::chrono::steady_clock::now() + op_timeout_;
  std::uint32_t phase = store_operation::pending;
  if (word.compare_exchange_strong(phase, store_operation::asleep,
                                   std::memory_order_acq_rel))
    phase = store_operation::asleep;
  while (phase != store_operation::completed) {
    auto left = until - std::chrono::steady_clock::now();
    if (!futex_wait(word, store_operation::asleep, left)) {
      auto task = [this, &op]() noexcept {
        // In neither list: it completed while this thread waited for the turn.
        auto respects = op.leased_key() != nullptr;
        if (waiting_.remove(op) || (respects && store_.updates().unpark(op)))
          complete(op, nullptr, errc::timeout);
      };
      mailbox_.run(task);
    }
    phase = word.load(std::memory_order_acquire);
  }
}

error operated_store::rejection(errc why) const {
  switch (why) {
    case errc::timeout:
      return {why, name_ + " did not take the operation within "
                     + std::to_string(op_timeout_.count())
                     + " ms; it restarts or the key is being updated"};
    case errc::shard_down:
      return {why, name_
                     + " crashed too often and stays down; start it again "
                       "with 'restart "
                     + name_ + "' in troupe-console or runtime::restart"};
    case errc::overloaded:
      return {why, name_ + " has " + std::to_string(defaults::mailbox_limit)
                     + " operations waiting; slow down and try again"};
    case errc::shutting_down:
      return {why, name_ + " has been stopped; the runtime drains"};
    default:
      return {why};
  }
}

} // namespace troupe::memory
