#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Calls a function periodically, on its own thread. It uses no delayed messages: a CAF
/// worker that was woken polls for more work for tens of milliseconds (policy
/// `stealing`), so a message every few tens of milliseconds keeps an idle program at
/// half a core.
class clockwork {
public:
  /// Calls `tick`, which must not throw, every `period` (above zero), counted from the
  /// end of the last call: a late tick is not made up for. Throws std::system_error
  /// when no thread can be started.
  clockwork(std::chrono::milliseconds period, std::function<void()> tick);

  /// Calls `stop`.
  ~clockwork();

  clockwork(const clockwork&) = delete;
  clockwork& operator=(const clockwork&) = delete;

  /// Returns when the last tick has ended. Must not be called from a tick.
  void stop();

private:
  void run(std::chrono::milliseconds period, const std::function<void()>& tick);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe
