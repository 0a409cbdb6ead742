#include <troupe/actors/shell/detail/own_system.hpp>

#include <exception>
#include <utility>

#include <troupe/backends/core/epoch.hpp>

namespace troupe::detail {

own_system::own_system(caf::actor_system_config& cfg) {
  std::promise<void> made;
  auto outcome = made.get_future();
  thread_ = std::thread{
    [this, &cfg, made = std::move(made)]() mutable { live(cfg, made); }};
  try {
    outcome.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

own_system::~own_system() {
  end([] {});
}

void own_system::end(std::function<void()> last) {
  if (!thread_.joinable())
    return;
  last_.set_value(std::move(last));
  thread_.join();
}

/// The function of the thread.
void own_system::live(caf::actor_system_config& cfg, std::promise<void>& made) {
  try {
    // Creates the thread's variable for epoch guards now, because a guard at the end
    // may come too late for that; CAF's variable for the logger is created here, too.
    static_cast<void>(epoch_guard{});
    system_.emplace(cfg);
  } catch (...) {
    made.set_exception(std::current_exception());
    return;
  }
  auto last = last_.get_future();
  made.set_value();
  last.get()();
  system_.reset();
}

} // namespace troupe::detail
