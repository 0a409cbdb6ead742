#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace troupe::detail {

/// Functions of an application, which may outlive the runtime. Thread-safe.
template <class F>
class registry {
public:
  /// Keeps `f` until the result is destroyed, which waits for a call that is under way.
  [[nodiscard]] std::shared_ptr<void> add(F f) {
    std::lock_guard guard{state_->mutex};
    const auto number = state_->next++;
    state_->all.emplace(number, std::move(f));
    return {nullptr, [number, state = state_](void*) {
              std::lock_guard ended{state->mutex};
              state->all.erase(number);
            }};
  }

  /// Calls `visit` with each function, the oldest first. None comes or goes meanwhile.
  template <class Visitor>
  void for_each(Visitor visit) const {
    std::lock_guard guard{state_->mutex};
    for (auto& [number, f] : state_->all)
      visit(f);
  }

private:
  struct state {
    std::mutex mutex; ///< Held while a function runs.
    std::uint64_t next = 0;
    std::map<std::uint64_t, F> all;
  };

  std::shared_ptr<state> state_ = std::make_shared<state>();
};

} // namespace troupe::detail
