#include "apps/server/calls/atomic_section.hpp"

#include <cstddef>

#include "apps/server/state/databases.hpp"

namespace troupe::server {

atomic_section::atomic_section(client& self) noexcept
  : self_(self), nested_(self.changing) {
  // nop
}

atomic_section::~atomic_section() {
  if (opening_)
    self_.changing = false;
}

void atomic_section::add(region& where, const hashed_key& key) {
  if (!nested_)
    turn_.add(shards_of(where), key);
}

void atomic_section::add_all(region& where) {
  if (!nested_)
    turn_.add_all(shards_of(where));
}

expected<void> atomic_section::begin() {
  if (nested_)
    return {};
  if (auto begun = turn_.begin(); !begun)
    return begun;
  opening_.emplace(memory::change_gate::process());
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

void add_keys(command_call& call, atomic_section& section) {
  const auto& x = call.what;
  if (x.flags.has(command_flag::whole_database))
    section.add_all(call.db);
  if (x.flags.has(command_flag::all_databases))
    call.server.databases.for_each(
      [&section](std::size_t, region& db) { section.add_all(db); });
  for (const auto& key : call.keys())
    section.add(call.db, key);
  if (x.add_more_keys != nullptr)
    x.add_more_keys(call, section);
}

} // namespace troupe::server
