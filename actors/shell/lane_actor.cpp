#include <troupe/actors/shell/lane_actor.hpp>

#include <condition_variable>
#include <new>

#include <caf/actor_system.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <caf/type_nr.hpp>

#include <troupe/actors/shell/detail/unexpected.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/types/defaults.hpp>

namespace troupe {

namespace {

/// Signals of the system, which no limit may delay.
bool is_signal(const caf::mailbox_element& what) {
  switch (what.content().type_token()) {
    case caf::make_type_token<caf::exit_msg>():
    case caf::make_type_token<caf::down_msg>():
    case caf::make_type_token<caf::timeout_msg>():
    case caf::make_type_token<caf::error>():
      return true;
    default:
      return false;
  }
}

} // namespace

// -- a message that waits --------------------------------------------------------

/// Keeps the actor, and with it the lane, alive until the message was handled.
class lane_port::queued_message final : public lane_task {
public:
  queued_message(lane_port& port, caf::mailbox_element_ptr what)
    : lane_task(&run, &release),
      port_(port),
      keep_(port.strong_self()),
      what_(std::move(what)) {
    // nop
  }

private:
  static void run(lane_task& self) noexcept {
    auto& message = static_cast<queued_message&>(self);
    auto& port = message.port_;
    // The thread that runs the lane is not the sender, so the sender's execution unit
    // cannot be used here.
    port.handle(*message.what_,
                *port.self_.home_system().dummy_execution_unit());
  }

  static void release(lane_task& self) noexcept {
    delete &static_cast<queued_message&>(self);
  }

  lane_port& port_;
  caf::strong_actor_ptr keep_;
  caf::mailbox_element_ptr what_;
};

// -- into the lane ---------------------------------------------------------------

lane_port::lane_port(caf::scheduled_actor& self, lane& mailbox)
  : self_(self), mailbox_(mailbox) {
  detail::report_unexpected(self);
}

void lane_port::deliver(caf::mailbox_element_ptr what,
                        caf::execution_unit* ctx) {
  if (ctx == nullptr || on_detour_.load(std::memory_order_acquire) != 0)
    detour(std::move(what));
  else
    enter(std::move(what), *ctx);
}

void lane_port::launch(bool hide, bool lazy) {
  self_.unsetf(caf::abstract_actor::is_detached_flag);
  if (!hide)
    self_.register_at_system();
  if (lazy)
    return;
  in_turn([this] {
    auto started = caf::abstract_actor::is_initialized_flag
                   | caf::abstract_actor::is_terminated_flag;
    if (!self_.getf(started))
      self_.activate(self_.home_system().dummy_execution_unit());
  });
}

void lane_port::enter(caf::mailbox_element_ptr what, caf::execution_unit& ctx) {
  if (full() && !what->mid.is_response() && !is_signal(*what)) [[unlikely]] {
    refuse(*what, ctx);
    return;
  }
  // The handler may drop the last other reference.
  auto keep = strong_self();
  auto turn = [&]() noexcept { handle(*what, ctx); };
  blocking_task<decltype(turn)> task{turn};
  if (!mailbox_.try_run(task))
    mailbox_.submit(*new queued_message(*this, std::move(what)));
}

bool lane_port::full() const noexcept {
  return mailbox_.depth() + on_detour_.load(std::memory_order_relaxed)
         >= defaults::mailbox_limit;
}

// -- the detour ------------------------------------------------------------------

void lane_port::detour(caf::mailbox_element_ptr what) {
  {
    std::lock_guard guard{detour_mutex_};
    detour_.push_back(std::move(what));
    if (on_detour_.fetch_add(1, std::memory_order_relaxed) != 0)
      return;
  }
  intrusive_ptr_add_ref_impl();
  self_.home_system().scheduler().enqueue(this);
}

caf::mailbox_element_ptr lane_port::next_detoured() {
  std::lock_guard guard{detour_mutex_};
  auto result = std::move(detour_.front());
  detour_.pop_front();
  return result;
}

caf::resumable::subtype_t lane_port::subtype() const {
  return function_object;
}

caf::resumable::resume_result lane_port::resume(caf::execution_unit* ctx,
                                                std::size_t) {
  // The counter decreases only when the message is in the lane: until then, the
  // sender's next messages take the detour, too.
  do
    enter(next_detoured(), *ctx);
  while (on_detour_.fetch_sub(1, std::memory_order_acq_rel) != 1);
  return done;
}

void lane_port::intrusive_ptr_add_ref_impl() {
  caf::intrusive_ptr_add_ref(self_.ctrl());
}

void lane_port::intrusive_ptr_release_impl() {
  caf::intrusive_ptr_release(self_.ctrl());
}

caf::strong_actor_ptr lane_port::strong_self() const {
  return caf::strong_actor_ptr{self_.ctrl()};
}

// -- in the lane -----------------------------------------------------------------

/// Passes one message to the actor. CAF catches exceptions of handlers.
void lane_port::handle(caf::mailbox_element& what,
                       caf::execution_unit& ctx) noexcept {
  if (self_.getf(caf::abstract_actor::is_terminated_flag)
      || !self_.activate(&ctx)) {
    answer(what, to_caf(epitaph()), &ctx);
  } else if (self_.activate(&ctx, what)
             == caf::scheduled_actor::activation_result::skipped) {
    answer(what, caf::make_error(caf::sec::unexpected_message), &ctx);
  }
  leave_turn();
}

/// The error of requests to an actor that has ended.
error lane_port::epitaph() const {
  if (from_caf(self_.fail_state()) == errc::shutting_down)
    return {errc::shutting_down, "the actor was shut down"};
  return {errc::shard_down, "the actor has ended"};
}

void lane_port::leave_turn() noexcept {
  self_.context(self_.home_system().dummy_execution_unit());
}

// -- errors ----------------------------------------------------------------------

void lane_port::refuse(caf::mailbox_element& what, caf::execution_unit& ctx) {
  if (!what.mid.is_request())
    dropped_.fetch_add(1, std::memory_order_relaxed);
  else
    answer(what, to_caf({errc::overloaded, "the actor's mailbox is full"}),
           &ctx);
}

void lane_port::answer(caf::mailbox_element& what, caf::error why,
                       caf::execution_unit* ctx) const {
  if (what.sender == nullptr || !what.mid.is_request())
    return;
  what.sender->enqueue(strong_self(), what.mid.response_id(),
                       caf::make_message(std::move(why)), ctx);
}

// -- lanes on CAF's scheduler ----------------------------------------------------

/// Whether the system still exists, and how many threads use it now.
class lane_scheduler::gate {
public:
  explicit gate(caf::actor_system& system) noexcept : system_(&system) {
    // nop
  }

  /// Returns the system, which stays until `leave`, or nullptr.
  caf::actor_system* enter() noexcept {
    std::lock_guard guard{mutex_};
    if (system_ != nullptr)
      ++inside_;
    return system_;
  }

  void leave() noexcept {
    std::lock_guard guard{mutex_};
    if (--inside_ == 0)
      empty_.notify_all();
  }

  void shut() noexcept {
    std::lock_guard guard{mutex_};
    system_ = nullptr;
  }

  void await_empty() noexcept {
    std::unique_lock guard{mutex_};
    empty_.wait(guard, [this] { return inside_ == 0; });
  }

private:
  std::mutex mutex_;
  std::condition_variable empty_;
  caf::actor_system* system_;
  std::size_t inside_ = 0;
};

class lane_scheduler::job final : public caf::resumable {
public:
  job(std::shared_ptr<gate> entered, lane& which) noexcept
    : gate_(std::move(entered)), which_(which) {
    // nop
  }

  subtype_t subtype() const override {
    return function_object;
  }

  resume_result resume(caf::execution_unit*, std::size_t) override {
    which_.resume();
    return done;
  }

  void intrusive_ptr_add_ref_impl() override {
    // The scheduler holds the only reference.
  }

  void intrusive_ptr_release_impl() override {
    gate_->leave();
    delete this;
  }

private:
  std::shared_ptr<gate> gate_;
  lane& which_;
};

lane_scheduler::lane_scheduler(caf::actor_system& system)
  : gate_(std::make_shared<gate>(system)) {
  // nop
}

lane_scheduler::~lane_scheduler() {
  gate_->shut();
}

void lane_scheduler::schedule(lane& which) noexcept {
  if (auto* system = gate_->enter()) {
    if (auto* task = new (std::nothrow) job(gate_, which)) {
      system->scheduler().enqueue(task);
      return;
    }
    gate_->leave();
  }
  // Without a system or memory, a delay of the caller is better than a lost task.
  which.resume();
}

void lane_scheduler::close() noexcept {
  gate_->shut();
  gate_->await_empty();
}

} // namespace troupe
