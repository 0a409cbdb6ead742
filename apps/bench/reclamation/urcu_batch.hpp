#pragma once

// How liburcu's writers free, for all its flavours: a batch of objects per grace
// period, as many as a single writer of ours puts aside between two scans.

#include <vector>

#include <apps/bench/reclamation/scheme.hpp>
#include <troupe/backends/core/epoch.hpp>

namespace troupe::bench {

class urcu_batch {
public:
  explicit urcu_batch(object_source& objects)
    : objects_(objects),
      batch_(retired_list::scan_after
             / (retired_list::object_cost + objects.size())) {
    waiting_.reserve(batch_);
  }

  /// `synchronize` waits for the readers.
  template <class F>
  void retire(object* x, F synchronize) {
    waiting_.push_back(x);
    if (waiting_.size() >= batch_)
      flush(synchronize);
  }

  template <class F>
  void flush(F synchronize) {
    if (waiting_.empty())
      return;
    synchronize();
    for (auto* x : waiting_)
      objects_.free(x);
    waiting_.clear();
  }

private:
  object_source& objects_;
  std::size_t batch_;
  std::vector<object*> waiting_;
};

} // namespace troupe::bench
