#include "apps/server/atomic_section.hpp"

#include <thread>

#include "apps/server/command_table.hpp"

namespace troupe::server {

std::uint64_t change_gate::wait() const noexcept {
  for (;;) {
    // A change takes microseconds, unless its thread lost the processor.
    std::this_thread::yield();
    const auto ended = ended_.load(std::memory_order_acquire);
    const auto begun = begun_.load(std::memory_order_acquire);
    if (begun == ended)
      return begun;
  }
}

atomic_section::atomic_section(client& self, change_gate& gate) noexcept
  : self_(self), gate_(gate), nested_(self.changing) {
  // nop
}

atomic_section::~atomic_section() {
  if (!open_)
    return;
  gate_.close();
  self_.changing = false;
}

void atomic_section::add(region& where, bytes_view key) {
  if (!nested_)
    turn_.add(where.memory()->shards(), key);
}

void atomic_section::add_all(region& where) {
  if (!nested_)
    turn_.add_all(where.memory()->shards());
}

expected<void> atomic_section::begin() {
  if (nested_)
    return {};
  if (auto begun = turn_.begin(); !begun)
    return begun;
  gate_.open();
  open_ = true;
  self_.changing = true;
  return {};
}

bool atomic_section::try_look() {
  return nested_ || turn_.try_begin();
}

void atomic_section::plan(command_call& call) {
  if (!nested_ && call.what.plan != nullptr)
    call.what.plan(call, plan_);
}

expected<void> atomic_section::reserve() {
  return nested_ ? expected<void>{} : plan_.reserve();
}

} // namespace troupe::server
