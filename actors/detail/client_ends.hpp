#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <troupe/actors/detail/registry.hpp>
#include <troupe/actors/runtime_hooks.hpp>

namespace troupe::detail {

/// Ends the clients of an application, once. Thread-safe.
class client_ends {
public:
  /// See `runtime::end_clients_first`.
  [[nodiscard]] std::shared_ptr<void> add(client_end end) {
    return ends_.add(std::move(end));
  }

  /// Calls each function, the first time it is called itself; waits for that call
  /// and has the same result later.
  ended_clients end_all(std::chrono::steady_clock::time_point until) {
    std::lock_guard guard{mutex_};
    if (result_)
      return *result_;
    result_.emplace();
    ends_.for_each([&](const client_end& end) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
      const auto ended = end(std::max(left, std::chrono::milliseconds{0}));
      result_->served += ended.served;
      result_->cut += ended.cut;
    });
    return *result_;
  }

private:
  registry<client_end> ends_;
  std::mutex mutex_;
  std::optional<ended_clients> result_;
};

} // namespace troupe::detail
