#include <troupe/backends/memory/shards/shard.hpp>

#include <algorithm>
#include <string>

namespace troupe::memory {

namespace {

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> count{0};
  return count.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

shard::shard(std::string name, const store_options& options,
             std::chrono::milliseconds op_timeout, lane_executor& executor)
  : name_(std::move(name)),
    number_(next_number()),
    op_timeout_(op_timeout),
    store_(options),
    mailbox_(executor) {
  // nop
}

shard::~shard() {
  stop();
}

// -- in the shard's turn -----------------------------------------------------------

/// Says that the operation was not completed in the turn that admitted it. One
/// that is admitted again, and has to wait again, has a waiter who reads this.
void shard::park(shard_operation& op) noexcept {
  if (!op.parked_)
    op.parked_ = true;
}

/// Runs, parks or rejects an operation; every operation passes here.
void shard::admit(shard_operation& op) noexcept {
  switch (state_.load(std::memory_order_relaxed)) {
    case shard_state::running:
      if (op.leased_key() != nullptr && waits_for_lease(op)) [[unlikely]]
        return;
      complete(op, &store_, errc::none);
      break;
    case shard_state::restarting:
      park(op);
      waiting_.push(op);
      break;
    case shard_state::failed:
      complete(op, nullptr, errc::shard_down);
      break;
    case shard_state::stopped:
      complete(op, nullptr, errc::shutting_down);
      break;
  }
}

/// Parks the operation when another holds its key's update lease.
bool shard::waits_for_lease(shard_operation& op) noexcept {
  auto& leases = store_.updates();
  if (!leases.held(op.leased_key()->key)) [[likely]]
    return false;
  park(op);
  leases.park(op);
  // An overdue lease ends here; what waited for it, this operation included,
  // is admitted again in order.
  leases.release_overdue(store_.now());
  admit_released();
  return true;
}

/// Completes an operation, after which it must not be touched, and then admits
/// what its end let go.
void shard::complete(shard_operation& op, memory::store* store,
                     errc why) noexcept {
  auto awaited = op.parked_ && !op.detached_;
  auto* word = &op.phase_;
  op.complete_(op, store, why);
  if (awaited
      && word->exchange(shard_operation::completed, std::memory_order_acq_rel)
           == shard_operation::asleep)
    futex_wake_one(word);
  admit_released();
}

/// The part of `admit_released` for when there is something to admit. An operation
/// may end another lease; the outermost call takes care of that, so the stack
/// stays flat.
void shard::admit_all_released() noexcept {
  if (admitting_)
    return;
  auto released = store_.updates().take_released();
  admitting_ = true;
  while (auto* op = released.pop()) {
    admit(static_cast<shard_operation&>(*op));
    released.append(store_.updates().take_released());
  }
  admitting_ = false;
}

void shard::down() noexcept {
  auto running = shard_state::running;
  state_.compare_exchange_strong(running, shard_state::restarting,
                                 std::memory_order_acq_rel);
}

void shard::up() noexcept {
  auto restarting = shard_state::restarting;
  if (!state_.compare_exchange_strong(restarting, shard_state::running,
                                      std::memory_order_acq_rel))
    return;
  auto waiting = std::move(waiting_);
  while (auto* op = waiting.pop())
    admit(static_cast<shard_operation&>(*op));
}

// -- from anywhere -----------------------------------------------------------------

/// Runs `task`, from anywhere: also from inside a task of the mailbox.
template <class F>
void shard::in_turn(F task) noexcept {
  if (mailbox_.running_here())
    task();
  else
    mailbox_.run(task);
}

void shard::fail(failed_shards how) noexcept {
  end(shard_state::failed, how == failed_shards::absent);
}

void shard::stop() noexcept {
  end(shard_state::stopped, false);
}

bool shard::revive() noexcept {
  // Only what starts it again makes it leave that state, but for a stop.
  if (state() != shard_state::failed)
    return true;
  auto done = true;
  in_turn([this, &done]() noexcept {
    if (state_.load(std::memory_order_relaxed) != shard_state::failed)
      return;
    // What readers were to find nothing of must not come back.
    done = !store_.forgetting() || store_.forget();
    if (done)
      state_.store(shard_state::restarting, std::memory_order_release);
  });
  return done;
}

/// Rejects what waits and what will come.
void shard::end(shard_state final_state, bool forget) noexcept {
  in_turn([this, final_state, forget]() noexcept {
    if (state_.load(std::memory_order_relaxed) == shard_state::stopped)
      return;
    state_.store(final_state, std::memory_order_release);
    if (forget)
      store_.forget();
    // The loads that end while the shard is down cannot give their leases back.
    store_.fence_loads();
    store_.updates().release_all();
    waiting_.append(store_.updates().take_released());
    while (auto* op = waiting_.pop())
      admit(static_cast<shard_operation&>(*op));
  });
}

void shard::clear_then(std::function<void(expected<void>)> done) {
  submit([](memory::store& in) { return in.clear(); }, std::move(done));
}

void shard::sweep() noexcept {
  if (!store_.wants_sweep() || try_sweep()) {
    sweeps_skipped_ = 0;
    return;
  }
  if (++sweeps_skipped_ < sweep_patience)
    return;
  // A mailbox that is always busy gets its sweep in its order.
  sweeps_skipped_ = 0;
  auto task = [this]() noexcept { sweep_in_turn(); };
  mailbox_.run(task);
}

bool shard::try_sweep() noexcept {
  auto task = [this]() noexcept { sweep_in_turn(); };
  blocking_task<decltype(task)> turn{task};
  return mailbox_.try_run(turn);
}

void shard::sweep_in_turn() noexcept {
  store_.sweep();
  admit_released();
}

bool shard::yield_piece() noexcept {
  auto task = [this]() noexcept { store_.limits().yield_piece(); };
  blocking_task<decltype(task)> turn{task};
  return mailbox_.try_run(turn);
}

table::amounts shard::try_give(table::amounts most,
                                       sacrifice how) noexcept {
  table::amounts result;
  auto held = mailbox_.held_here();
  auto task = [&]() noexcept {
    auto& table = store_.limits();
    const table::amounts before{table.bytes_granted(),
                                        table.entries_granted()};
    // A clear gives back what the old entries were lent.
    static_cast<void>(store_.settle());
    table.give(most, how);
    auto less = [](std::size_t x, std::size_t y) { return x - std::min(x, y); };
    result = {less(before.bytes, table.bytes_granted()),
              less(before.entries, table.entries_granted())};
    if (!held)
      admit_released();
  };
  if (held) {
    // In the middle of an operation the table is not to be touched.
    if (!operating_)
      task();
    return result;
  }
  blocking_task<decltype(task)> turn{task};
  static_cast<void>(mailbox_.try_run(turn));
  return result;
}

void shard::give_soon(table::amounts most) noexcept {
  asked_bytes_.fetch_add(most.bytes);
  asked_entries_.fetch_add(most.entries);
  if (asked_.exchange(true))
    return;
  auto turn = [this]() noexcept { give_what_was_asked(); };
  auto* task = new (std::nothrow) detached_task<decltype(turn)>(turn);
  if (task == nullptr) {
    asked_.store(false);
    return;
  }
  mailbox_.submit(*task);
}

void shard::give_what_was_asked() noexcept {
  // First: what is asked for from now on has a task of its own.
  asked_.store(false);
  const table::amounts asked{asked_bytes_.exchange(0),
                                     asked_entries_.exchange(0)};
  static_cast<void>(store_.settle());
  auto& table = store_.limits();
  auto still_due = [&asked, &table] {
    const auto over = table.overdrawn();
    return table::amounts{std::min(asked.bytes, over.bytes),
                                  std::min(asked.entries, over.entries)};
  };
  table.give(still_due(), sacrifice::proportionate);
  // What it had, another one may have taken in between.
  table.pass_on(still_due());
  table.give(still_due(), sacrifice::anything);
  admit_released();
}

std::optional<error> shard::refusal() const {
  switch (state()) {
    case shard_state::failed:
      return rejection(errc::shard_down);
    case shard_state::stopped:
      return rejection(errc::shutting_down);
    default:
      return std::nullopt;
  }
}

/// Waits for an operation that was parked: until it completes, or for
/// `op_timeout`, after which it is taken back and rejected.
void shard::await(shard_operation& op) noexcept {
  auto& word = op.phase_;
  auto until = std::chrono::steady_clock::now() + op_timeout_;
  std::uint32_t phase = shard_operation::pending;
  if (word.compare_exchange_strong(phase, shard_operation::asleep,
                                   std::memory_order_acq_rel))
    phase = shard_operation::asleep;
  while (phase != shard_operation::completed) {
    auto left = until - std::chrono::steady_clock::now();
    if (!futex_wait(word, shard_operation::asleep, left)) {
      auto task = [this, &op]() noexcept {
        // Found in neither list, it completed while this turn was waited for.
        auto respects = op.leased_key() != nullptr;
        if (waiting_.remove(op)
            || (respects && store_.updates().unpark(op)))
          complete(op, nullptr, errc::timeout);
      };
      mailbox_.run(task);
    }
    phase = word.load(std::memory_order_acquire);
  }
}

error shard::rejection(errc why) const {
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
      return {why, name_ + " has "
                     + std::to_string(defaults::mailbox_limit)
                     + " operations waiting; slow down and try again"};
    case errc::shutting_down:
      return {why, name_ + " has been stopped; the runtime drains"};
    default:
      return {why};
  }
}

} // namespace troupe::memory
