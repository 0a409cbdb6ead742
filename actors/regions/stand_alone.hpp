#pragma once

#include <memory>
#include <optional>
#include <string>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/provider_factory.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// A region without a runtime: no actors, no clockwork, no console. `options` passed
/// their `check`; options that are not set get their defaults. Without a provider in
/// `options` the region is in memory, under its own limits only. `time` and `executor`
/// outlive it. Errors: those of the provider. Throws std::bad_alloc.
[[nodiscard]] expected<std::shared_ptr<region>>
open_alone(std::string name, const region_options& options, const clock& time,
           std::shared_ptr<lane_executor> executor,
           std::shared_ptr<load_coordinator> loads,
           std::optional<integer_range> counts = integer_range{});

} // namespace troupe
