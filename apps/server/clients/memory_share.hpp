#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace troupe::server {

/// What one client holds of a sum over many clients. Belongs to the client's
/// thread; the sums outlive it.
class memory_share {
public:
  memory_share() noexcept = default;

  memory_share(const memory_share&) = delete;
  memory_share& operator=(const memory_share&) = delete;

  ~memory_share() {
    leave();
  }

  /// Counts so many bytes in `sum` from now on, and none in another. False when
  /// they became more, and the sum is above `most` then; 0: no limit.
  bool count(std::atomic<std::size_t>& sum, std::size_t bytes,
             std::size_t most) noexcept {
    if (&sum != sum_)
      leave();
    sum_ = &sum;
    // Clients that hold the same as before, nearly all, touch nothing shared.
    if (bytes == bytes_) [[likely]]
      return true;
    // The difference may wrap around, as the sum does.
    const auto more = bytes - bytes_;
    const auto total = sum.fetch_add(more, std::memory_order_relaxed) + more;
    const auto grown = bytes > bytes_;
    bytes_ = bytes;
    return !grown || most == 0 || total <= most;
  }

  /// What is counted, in bytes.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_;
  }

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
