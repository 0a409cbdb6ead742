#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/runtime.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// The figures of a system at one moment.
struct sample {
  std::chrono::steady_clock::time_point taken;
  runtime_stat process;
  actor_list actors;
};

/// The changes between two moments.
class activity {
public:
  /// Without `before`: the changes since the process began.
  activity(const std::optional<sample>& before, const sample& now);

  /// Share of one processor that the process used, in per cent.
  [[nodiscard]] double cpu_percent() const noexcept {
    return cpu_percent_;
  }

  /// The actors; `handled` is the number that each handled per second. A new actor
  /// counts from zero.
  [[nodiscard]] const actor_list& actors() const noexcept {
    return actors_;
  }

  /// See `table::render` for width and colours.
  [[nodiscard]] std::string text(std::size_t width, bool colours = false) const;

  [[nodiscard]] json_object json() const;

private:
  runtime_stat process_;
  actor_list actors_;
  double cpu_percent_ = 0;
};

} // namespace troupe::console
