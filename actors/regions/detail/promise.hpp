#pragma once

#include <future>
#include <memory>
#include <utility>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The future's side of an asynchronous call with results of type T.
template <class T>
class promise_of {
public:
  [[nodiscard]] std::future<T> future() {
    return state_->get_future();
  }

  void operator()(T result) const {
    state_->set_value(std::move(result));
  }

private:
  // Shared, since std::function wants to be copied.
  std::shared_ptr<std::promise<T>> state_ = std::make_shared<std::promise<T>>();
};

template <class T>
using promise = promise_of<expected<T>>;

} // namespace troupe::detail
