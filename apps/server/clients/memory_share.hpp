#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace troupe::server {

/// The part of one client in a sum over many clients. Used on the client's thread. The
/// sums must outlive it.
class memory_share {
public:
  memory_share() noexcept = default;

  memory_share(const memory_share&) = delete;
  memory_share& operator=(const memory_share&) = delete;

  ~memory_share() {
    leave();
  }

  /// Sets the client's part of `sum`, and removes its part of any other sum. Returns
  /// false when the part has grown and the sum is now above `most` (0: no limit).
  bool count(std::atomic<std::size_t>& sum, std::size_t bytes,
             std::size_t most) noexcept {
    if (&sum != sum_)
      leave();
    sum_ = &sum;
    // Most calls do not change the number, and then touch no shared memory.
    if (bytes == bytes_) [[likely]]
      return true;
    // The difference may wrap around; the sum then does, too, and is right again.
    const auto more = bytes - bytes_;
    const auto total = sum.fetch_add(more, std::memory_order_relaxed) + more;
    const auto grown = bytes > bytes_;
    bytes_ = bytes;
    return !grown || most == 0 || total <= most;
  }

  /// The client's present part, in bytes.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_;
  }

  /// Removes the client's part from the sum.
  void leave() noexcept {
    if (auto* const sum = std::exchange(sum_, nullptr))
      sum->fetch_sub(bytes_, std::memory_order_relaxed);
    bytes_ = 0;
  }

private:
  std::atomic<std::size_t>* sum_ = nullptr;
  std::size_t bytes_ = 0;
};

} // namespace troupe::server
