#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <troupe/actors/loads/breakers/circuit_breaker.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// The circuit breakers of a runtime by name. A breaker lives as long as a region uses it.
/// Thread-safe.
class breaker_board {
public:
  /// Returns the breaker of a region; makes it when there is none of that name, and
  /// returns nullptr when the options ask for none. Errors: `invalid_argument` when it
  /// exists with other limits. Throws std::bad_alloc.
  [[nodiscard]] expected<std::shared_ptr<circuit_breaker>>
  get(const std::string& region, breaker_options options);

  /// The figures of all breakers, by name. Throws std::bad_alloc.
  [[nodiscard]] std::vector<breaker_view> list(time_point now);

private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<circuit_breaker>> all_;
};

} // namespace troupe
