#include <troupe/actors/topics/topic_listener.hpp>

#include <new>
#include <vector>

namespace troupe {

namespace {

/// Bytes of messages that are taken from the queue at a time.
constexpr std::size_t batch_bytes = 64UL * 1024;

} // namespace

topic_listener::topic_listener(std::string text,
                               std::shared_ptr<listener_home> home,
                               std::shared_ptr<worker_pool> workers,
                               message_function f, subscribe_options options)
  : subscriber(options.limits),
    text_(std::move(text)),
    home_(std::move(home)),
    workers_(std::move(workers)),
    most_(options.limits),
    functions_(std::make_shared<const functions>(
      functions{std::move(f), std::move(options.on_end)})) {
  // nop
}

// -- from the beginning to the end -------------------------------------------------

void topic_listener::joined(std::shared_ptr<topic> where) noexcept {
  {
    std::lock_guard guard{turn_};
    if (functions_ != nullptr) {
      joined_ = std::move(where);
      return;
    }
  }
  // The listener ended before `joined` was called: it was cut, or the hub drained.
  home_->leave(*where, *this);
}

/// Ends the listener: leaves the topic and closes the queue. Returns the functions in
/// the first call, and null later.
std::shared_ptr<const topic_listener::functions>
topic_listener::give_up() noexcept {
  over_.store(true, std::memory_order_release);
  std::shared_ptr<const functions> result;
  std::shared_ptr<topic> left;
  {
    std::lock_guard guard{turn_};
    result.swap(functions_);
    left.swap(joined_);
  }
  if (left != nullptr)
    home_->leave(*left, *this);
  silent_.notify_all();
  close();
  home_->forget(*this);
  return result;
}

void topic_listener::stop() noexcept {
  // The functions are destroyed at the end of this scope, after the running call.
  const auto last = give_up();
  std::unique_lock guard{turn_};
  silent_.wait(guard, [this] {
    return caller_ == std::thread::id{}
           || caller_ == std::this_thread::get_id();
  });
}

void topic_listener::begin_end(error why) noexcept {
  {
    std::lock_guard guard{turn_};
    ending_ = std::move(why);
  }
  wake();
}

bool topic_listener::await_end(
  std::chrono::steady_clock::time_point deadline) noexcept {
  {
    std::unique_lock guard{turn_};
    if (silent_.wait_until(guard, deadline, [this] {
          return functions_ == nullptr && caller_ == std::thread::id{};
        }))
      return true;
  }
  give_up();
  return false;
}

// -- delivering --------------------------------------------------------------------

bool topic_listener::wake() noexcept {
  {
    std::lock_guard guard{turn_};
    if (functions_ == nullptr)
      return true;
    again_ = true;
    if (delivering_)
      return true;
    delivering_ = true;
  }
  if (post())
    return true;
  {
    std::lock_guard guard{turn_};
    delivering_ = false;
  }
  home_->note_missed();
  return false;
}

void topic_listener::retry() noexcept {
  {
    std::lock_guard guard{turn_};
    if (!again_ || delivering_)
      return;
  }
  wake();
}

bool topic_listener::post() noexcept {
  try {
    return workers_->post([self = shared_from_this()] { self->deliver(); })
      .has_value();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// The job on a worker thread: delivers until no message waits.
void topic_listener::deliver() noexcept {
  for (;;) {
    std::shared_ptr<const functions> whom;
    {
      std::lock_guard guard{turn_};
      if (functions_ == nullptr || !again_) {
        delivering_ = false;
        return;
      }
      again_ = false;
      whom = functions_;
      caller_ = std::this_thread::get_id();
    }
    tell(*whom);
    // Before `caller_` is cleared: then `stop` holds the last copy of the functions,
    // and they are destroyed before `stop` returns.
    whom = nullptr;
    {
      std::lock_guard guard{turn_};
      caller_ = {};
    }
    silent_.notify_all();
  }
}

void topic_listener::tell(const functions& whom) noexcept {
  std::vector<delivery> batch;
  for (bool more = true; more;) {
    batch.clear();
    try {
      more = take(batch_bytes, batch);
    } catch (const std::bad_alloc&) {
      return finish(whom, error{errc::out_of_memory});
    }
    for (const auto& x : batch) {
      if (!active())
        return;
      try {
        whom.on_message(x);
      } catch (...) {
        // The subscriber's code: its exceptions must not reach the publisher.
      }
    }
  }
  if (state() == subscriber_state::cut)
    return finish(whom, limit_error());
  std::optional<error> why;
  {
    std::lock_guard guard{turn_};
    // Messages that have come since are delivered before the end.
    if (!again_)
      why = ending_;
  }
  if (why)
    finish(whom, *why);
}

void topic_listener::finish(const functions& whom, const error& why) noexcept {
  // Null: the owner has stopped the listener meanwhile and expects no call.
  if (give_up() == nullptr || !whom.on_end)
    return;
  try {
    whom.on_end(why);
  } catch (...) {
    // The subscriber's code, as in `tell`.
  }
}

error topic_listener::limit_error() const {
  return {errc::overloaded,
          "the subscription has ended: more waited for its function than "
            + std::to_string(most_.bytes) + " bytes or "
            + std::to_string(most_.messages)
            + " messages (or too many bytes for too long); be quicker, or "
              "raise subscribe_options::limits"};
}

} // namespace troupe
