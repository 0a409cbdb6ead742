#pragma once

#include <future>
#include <memory>
#include <utility>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The future's side of an asynchronous call.
template <class T>
class promise {
public:
  [[nodiscard]] std::future<expected<T>> future() {
    return state_->get_future();
  }

  void operator()(expected<T> result) const {
    state_->set_value(std::move(result));
  }

private:
  // Shared, since std::function wants to be copied.
  std::shared_ptr<std::promise<expected<T>>> state_
    = std::make_shared<std::promise<expected<T>>>();
};

} // namespace troupe::detail
