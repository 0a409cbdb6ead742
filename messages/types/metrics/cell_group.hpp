#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

#include <troupe/messages/types/metrics/cells.hpp>

namespace troupe {

/// The cells of several threads or shards: one object of type `Cells`, a struct derived
/// from `metric_cells`, for each of them. A reader gets their sums. The group is
/// thread-safe; each cell has rules of its own (cells.hpp).
template <class Cells>
class cell_group {
public:
  cell_group() : pattern_() {
    // nop
  }

  /// Adds cells for one more thread. They live as long as the group, at the same
  /// address. Throws std::bad_alloc.
  Cells& emplace_back() {
    std::lock_guard guard{mutex_};
    return all_.emplace_back();
  }

  /// The cells that were added first. Precondition: `emplace_back` was called.
  [[nodiscard]] Cells& front() noexcept {
    std::lock_guard guard{mutex_};
    return all_.front();
  }

  /// The declarations of the cells, in the order of the members. Throws std::bad_alloc.
  [[nodiscard]] std::vector<metric_info> infos() const {
    std::vector<metric_info> result;
    for (const auto& x : pattern_.declared())
      result.push_back(x.info);
    return result;
  }

  /// Adds the values of all threads to `to`, in the order of `infos`. Precondition:
  /// `to` has as many elements as `infos`, and all are 0. Throws std::bad_alloc.
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
  const Cells pattern_; ///< For the declarations, also before `emplace_back`.
  mutable std::mutex mutex_;
  std::deque<Cells> all_;
};

} // namespace troupe
