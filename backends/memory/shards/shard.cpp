#include <troupe/backends/memory/shards/shard.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace troupe::memory {

namespace {

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> count{0};
  return count.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

shard::shard(std::string name, const store_options& options,
             std::chrono::milliseconds op_timeout, lane_executor& executor,
             std::size_t place)
  : operated_store(std::move(name), options, op_timeout, executor),
    number_(next_number()),
    place_(place) {
  // nop
}

shard::~shard() {
  stop();
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
  admit_waiting();
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
  // Only this call and a stop leave the state `failed`.
  if (state() != shard_state::failed)
    return true;
  auto done = true;
  in_turn([this, &done]() noexcept {
    if (state_.load(std::memory_order_relaxed) != shard_state::failed)
      return;
    // Entries that readers were not to find must not come back.
    done = !store_.forgetting() || store_.forget();
    if (done)
      state_.store(shard_state::restarting, std::memory_order_release);
  });
  return done;
}

/// Rejects waiting and future operations.
void shard::end(shard_state final_state, bool forget) noexcept {
  in_turn([this, final_state, forget]() noexcept {
    if (state_.load(std::memory_order_relaxed) == shard_state::stopped)
      return;
    state_.store(final_state, std::memory_order_release);
    if (forget)
      store_.forget();
    // Loads that end while the shard is down cannot return their leases.
    store_.fence_loads();
    admit_everything();
  });
}

void shard::clear_then(std::function<void(expected<void>)> done) {
  submit([](memory::store& in) { return in.clear(); }, std::move(done));
}

bool shard::sweep() noexcept {
  if (!store_.wants_sweep()) {
    sweeps_skipped_ = 0;
    return false;
  }
  if (try_sweep()) {
    sweeps_skipped_ = 0;
    return true;
  }
  if (++sweeps_skipped_ < sweep_patience)
    return true;
  // A mailbox that is always busy gets its sweep as a queued task.
  sweeps_skipped_ = 0;
  auto task = [this]() noexcept { sweep_in_turn(); };
  mailbox_.run(task);
  return true;
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

table::amounts shard::try_give(table::amounts most, sacrifice how) noexcept {
  table::amounts result;
  auto held = mailbox_.held_here();
  auto task = [&]() noexcept {
    auto& table = store_.limits();
    const table::amounts before{table.bytes_granted(), table.entries_granted()};
    // A clear returns what the old entries were lent.
    static_cast<void>(store_.settle());
    table.give(most, how);
    auto less = [](std::size_t x, std::size_t y) { return x - std::min(x, y); };
    result = {less(before.bytes, table.bytes_granted()),
              less(before.entries, table.entries_granted())};
    if (!held)
      admit_released();
  };
  if (held) {
    // The table must not be changed in the middle of an operation.
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
  // First, so that a request from now on posts its own task.
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
  // Another shard may have taken meanwhile what this one had.
  table.pass_on(still_due());
  table.give(still_due(), sacrifice::anything);
  admit_released();
}

} // namespace troupe::memory
