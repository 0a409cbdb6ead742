#include <troupe/backends/memory/shards/direct_reads.hpp>

namespace troupe::memory {

expected<bool> direct_reads::stopped_read() const {
  return all_->stopped();
}

} // namespace troupe::memory
