#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>

// What tests of the memory provider need of a region: its shards.

/// A region in memory without a runtime, under the limit `parent`, too.
inline std::shared_ptr<troupe::region>
open_region(std::string name, const troupe::region_options& options,
            const troupe::clock& time,
            std::shared_ptr<troupe::lane_executor> executor,
            std::shared_ptr<troupe::load_coordinator> loads,
            std::shared_ptr<troupe::memory::budget> parent = nullptr) {
  auto completed = troupe::with_defaults(options);
  const troupe::provider_environment with{
    name, completed, time, std::move(executor), loads->workers()};
  auto below
    = std::make_shared<troupe::memory_provider>(with, std::move(parent));
  return std::make_shared<troupe::region>(std::move(name), completed, time,
                                          std::move(below), std::move(loads));
}

/// The provider of a region in memory.
inline troupe::memory_provider& memory_of(troupe::region& where) {
  return dynamic_cast<troupe::memory_provider&>(where.provider());
}

inline troupe::memory::shard_map& shards(troupe::region& where) {
  return where.provider().joint_turns()->shards();
}

inline troupe::memory::shard& shard_at(troupe::region& where,
                                       std::size_t index) {
  auto* const found = shards(where)[index];
  if (found == nullptr)
    throw std::out_of_range{"no key of shard " + std::to_string(index)
                            + " was written yet"};
  return *found;
}

inline std::size_t shard_count(troupe::region& where) {
  return shards(where).size();
}

/// The index of the shard of a key.
inline std::size_t shard_of(troupe::region& where, std::string_view key) {
  return shards(where).number_of(key);
}

/// What is wrong with the structure of the tables that are there to be seen, or "": a
/// shard that waits for its restart, or has ended, has none. It may end between two
/// lines of this.
inline std::string broken_table(troupe::region& where) {
  for (std::size_t i = 0; i < shard_count(where); ++i) {
    if (shards(where)[i] == nullptr)
      continue; // It was not made.
    auto& shard = shard_at(where, i);
    if (shard.state() != troupe::memory::shard_state::running)
      continue;
    const auto problem = shard.run(
      [](troupe::memory::store& x) -> troupe::expected<std::string> {
        return x.entries().validate();
      });
    if (problem && !problem->empty())
      return "shard " + std::to_string(i) + ": " + *problem;
    if (!problem && problem.error() != troupe::errc::shutting_down
        && problem.error() != troupe::errc::shard_down)
      return "shard " + std::to_string(i) + ": " + to_string(problem.error());
  }
  return {};
}
