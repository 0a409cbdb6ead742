#include <troupe/backends/memory/held_value.hpp>

#include <troupe/backends/memory/entry.hpp>
#include <troupe/backends/memory/large_block.hpp>
#include <troupe/backends/memory/slab.hpp>

namespace troupe::memory {

held_value::held_value(const entry_view& x) noexcept {
  if (x.from == nullptr || x.from->size() <= slab::largest_block)
    return;
  // The slab's own hold lasts at least as long as the visit.
  block_ = &large_block::of(x.from);
  block_->hold();
  view_ = x.value;
}

held_value::~held_value() {
  if (block_ != nullptr)
    block_->release();
}

} // namespace troupe::memory
