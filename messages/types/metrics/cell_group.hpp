#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include <troupe/messages/types/metrics/cells.hpp>

namespace troupe {

/// The cells of several threads or shards: one `Cells`, a struct derived from
/// `metric_cells`, for each. They are added up when somebody asks. Thread-safe, but for
/// the cells themselves.
template <class Cells>
class cell_group {
public:
  cell_group() : pattern_() {
    // nop
  }

  /// Cells for one more thread; they stay until the group ends.
  Cells& emplace_back() {
    std::lock_guard guard{mutex_};
    return all_.emplace_back();
  }

  /// Precondition: there are some.
  [[nodiscard]] Cells& front() noexcept {
    std::lock_guard guard{mutex_};
    return all_.front();
  }

  /// The declarations of the cells, in their order.
  [[nodiscard]] std::vector<metric_info> infos() const {
    std::vector<metric_info> result;
    for (const auto& x : pattern_.declared())
      result.push_back(x.info);
    return result;
  }

  /// The sums over all threads, in the order of `infos`. Precondition: as many as these,
  /// all 0.
  void sum(std::span<metric_value> to) const {
    std::lock_guard guard{mutex_};
    for (const auto& x : all_) {
      const auto& declared = x.declared();
      for (std::size_t i = 0; i < to.size(); ++i)
        declared[i].add_to(declared[i].cell, to[i]);
    }
  }

  /// The sum of one cell, a counter or a gauge, over all threads.
  template <class Cell>
  [[nodiscard]] auto sum(Cell Cells::*which) const {
    decltype((pattern_.*which).value()) result = 0;
    std::lock_guard guard{mutex_};
    for (const auto& x : all_)
      result += (x.*which).value();
    return result;
  }

private:
  const Cells pattern_; ///< Has the declarations when there is no thread yet.
  mutable std::mutex mutex_;
  std::deque<Cells> all_;
};

} // namespace troupe
