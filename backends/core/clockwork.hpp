#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Calls a function again and again, on a thread of its own. Not a delayed
/// message: a CAF worker that was woken polls for tens of milliseconds for more
/// work (policy `stealing`), so that a message every few of them keeps an idle
/// program at half a core.
class clockwork {
public:
  /// Calls `tick`, which must not throw, every `period` (above zero) counted
  /// from the end of the last call: a tick that comes late is not made up for.
  /// Throws std::system_error when no thread can be started.
  clockwork(std::chrono::milliseconds period, std::function<void()> tick);

  /// As `stop`.
  ~clockwork();

  clockwork(const clockwork&) = delete;
  clockwork& operator=(const clockwork&) = delete;

  /// Returns when the last tick is over. Not to be called from a tick.
  void stop();

private:
  void run(std::chrono::milliseconds period, const std::function<void()>& tick);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe
