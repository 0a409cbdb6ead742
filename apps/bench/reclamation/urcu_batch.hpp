#pragma once

// How liburcu's writers free, for all its flavours: a batch of objects per grace
// period, as large as a batch of ours.

#include <vector>

#include <apps/bench/reclamation/scheme.hpp>
#include <troupe/backends/core/epoch.hpp>

namespace troupe::bench {

class urcu_batch {
public:
  explicit urcu_batch(object_source& objects) : objects_(objects) {
    waiting_.reserve(retired_list::batch_objects);
  }

  /// `synchronize` waits for the readers.
  template <class F>
  void retire(object* x, F synchronize) {
    waiting_.push_back(x);
    if (waiting_.size() >= retired_list::batch_objects)
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
  std::vector<object*> waiting_;
};

} // namespace troupe::bench
