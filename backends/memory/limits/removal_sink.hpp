#pragma once

#include <atomic>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe::memory {

/// Receives entries that are removed, in the turn of their shard. It must be brief and
/// copy what it keeps.
class removal_sink {
public:
  virtual ~removal_sink() = default;

  virtual void removed(bytes_view key, bytes_view value,
                       removal_cause cause) noexcept = 0;

  /// Whether the sink wants removals; otherwise `removed` need not be called.
  [[nodiscard]] bool listening() const noexcept {
    return listening_.load(std::memory_order_relaxed);
  }

  /// A sink that never listens.
  [[nodiscard]] static removal_sink& nobody() noexcept;

protected:
  void set_listening(bool x) noexcept {
    listening_.store(x, std::memory_order_release);
  }

private:
  std::atomic<bool> listening_{false};
};

inline removal_sink& removal_sink::nobody() noexcept {
  struct deaf final : removal_sink {
    void removed(bytes_view, bytes_view, removal_cause) noexcept override {
      // nop
    }
  };
  static deaf instance;
  return instance;
}

} // namespace troupe::memory
