#include <troupe/backends/memory/entries/held_value.hpp>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/space/large_block.hpp>

namespace troupe::memory {

held_value::held_value(const entry_view& x) noexcept {
  if (x.from == nullptr || !x.from->large())
    return;
  // The entry's own hold lasts at least as long as the visit.
  block_ = x.from->hold().block;
  block_->hold();
  view_ = x.value;
}

held_value::~held_value() {
  if (block_ != nullptr)
    block_->release();
}

} // namespace troupe::memory
