#include <troupe/backends/core/wait_hook.hpp>

#include <utility>

namespace troupe {

namespace {

thread_local constinit wait_hook* hook_of_thread = nullptr;

} // namespace

wait_hook* wait_hook::present() noexcept {
  return hook_of_thread;
}

wait_hook_scope::wait_hook_scope(wait_hook& x) noexcept
  : outer_(std::exchange(hook_of_thread, &x)) {
  // nop
}

wait_hook_scope::~wait_hook_scope() {
  hook_of_thread = outer_;
}

} // namespace troupe
