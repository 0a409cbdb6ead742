#include <troupe/backends/memory/limits/timing_wheel.hpp>

#include <algorithm>
#include <new>

namespace troupe::memory {

bool timing_wheel::make_slots() noexcept {
  slots_.reset(new (std::nothrow) slot_heads{});
  return slots_ != nullptr;
}

timing_wheel::node* timing_wheel::find(std::size_t item) const noexcept {
  if (item >= nodes_.size())
    return nullptr;
  auto& x = nodes_[item];
  return x.place == 0 ? nullptr : &x;
}

timing_wheel::tick timing_wheel::due_of(const node& x) const noexcept {
  return now_
         + static_cast<std::uint32_t>(x.due - static_cast<std::uint32_t>(now_));
}

bool timing_wheel::schedule(std::size_t item, time_point deadline) noexcept {
  return deadline == never || put(item, tick_after(deadline));
}

void timing_wheel::copy(std::size_t from, std::size_t to) noexcept {
  if (auto* x = find(from); x != nullptr)
    // There is memory: the caller called `reach`.
    static_cast<void>(put(to, due_of(*x)));
}

void timing_wheel::cancel(std::size_t item) noexcept {
  if (find(item) != nullptr)
    unhang(static_cast<link>(item + 1));
}

time_point timing_wheel::due(std::size_t item) const noexcept {
  auto* x = find(item);
  return x == nullptr
           ? never
           : time_point{static_cast<std::int64_t>(due_of(*x)) * tick_length};
}

/// Puts an item into its slot, unless it is due earlier.
bool timing_wheel::put(std::size_t item, tick due) noexcept {
  if (!reach(item))
    return false;
  // Beyond the topmost level the item is checked when that level begins again.
  constexpr auto window = (tick{1} << (slot_bits * levels)) - 1;
  due = std::clamp(due, now_, now_ | window);
  if (auto* x = find(item); x != nullptr) {
    if (due_of(*x) <= due)
      return true;
    unhang(static_cast<link>(item + 1));
  }
  hang(static_cast<link>(item + 1), due);
  return true;
}

void timing_wheel::hang(link item, tick due) noexcept {
  // The highest bit in which the due time differs from now determines the level.
  auto level
    = due == now_
        ? std::size_t{0}
        : static_cast<std::size_t>(std::bit_width(due ^ now_) - 1) / slot_bits;
  auto slot = static_cast<std::size_t>(due >> (slot_bits * level)) % slots;
  auto& head = (*slots_)[level][slot];
  auto& x = nodes_[item - 1];
  x = {static_cast<std::uint32_t>(due), static_cast<std::uint16_t>(level),
       static_cast<std::uint16_t>(slot + 1), 0, head};
  if (head != 0)
    nodes_[head - 1].previous = item;
  head = item;
  occupied_[level] |= std::uint64_t{1} << slot;
}

void timing_wheel::unhang(link item) noexcept {
  auto& x = nodes_[item - 1];
  auto slot = x.place - std::size_t{1};
  auto& head = (*slots_)[x.level][slot];
  (x.previous == 0 ? head : nodes_[x.previous - 1].next) = x.next;
  if (x.next != 0)
    nodes_[x.next - 1].previous = x.previous;
  if (head == 0)
    occupied_[x.level] &= ~(std::uint64_t{1} << slot);
  x = {};
}

std::size_t timing_wheel::take_due(time_point now) noexcept {
  auto target = tick_of(now);
  if (slots_ == nullptr) {
    now_ = std::max(now_, target);
    return nothing;
  }
  for (;;) {
    if (auto item = (*slots_)[0][now_ % slots]; item != 0 && now_ <= target) {
      unhang(item);
      return item - 1;
    }
    if (now_ >= target)
      return nothing;
    auto event = next_event();
    now_ = std::min(event, target);
    if (now_ == event)
      cascade();
  }
}

/// The next tick at which a used slot begins: the first one of the lowest level with
/// slots to come, because the slots of higher levels begin after all of these.
timing_wheel::tick timing_wheel::next_event() const noexcept {
  for (std::size_t level = 0; level < levels; ++level) {
    auto shift = slot_bits * level;
    auto current = static_cast<std::size_t>(now_ >> shift) % slots;
    // Two shifts, because all bits may have to be removed.
    auto later = occupied_[level] >> current >> 1 << 1 << current;
    if (later == 0)
      continue;
    auto slot = static_cast<tick>(std::countr_zero(later));
    auto turn = now_ >> (shift + slot_bits) << (shift + slot_bits);
    return turn | slot << shift;
  }
  return ~tick{0};
}

/// Moves the items of slots that begin now into lower levels.
void timing_wheel::cascade() noexcept {
  for (auto level = levels - 1; level > 0; --level) {
    auto shift = slot_bits * level;
    if ((now_ & ((tick{1} << shift) - 1)) != 0)
      continue;
    auto slot = static_cast<std::size_t>(now_ >> shift) % slots;
    while (auto item = (*slots_)[level][slot]) {
      auto due = due_of(nodes_[item - 1]);
      unhang(item);
      hang(item, due);
    }
  }
}

void timing_wheel::trim(std::size_t items) noexcept {
  while (nodes_.has_excess(items))
    segmented_array<node>::free(nodes_.give_up());
}

std::string timing_wheel::validate() const {
  std::size_t listed = 0;
  for (std::size_t level = 0; slots_ != nullptr && level < levels; ++level)
    for (std::size_t slot = 0; slot < slots; ++slot) {
      auto marked = (occupied_[level] >> slot & 1) != 0;
      if (marked != ((*slots_)[level][slot] != 0))
        return "a slot of the wheel is marked wrongly";
      link previous = 0;
      for (auto i = (*slots_)[level][slot]; i != 0;
           previous = i, i = nodes_[i - 1].next) {
        ++listed;
        auto& x = nodes_[i - 1];
        if (x.previous != previous || x.level != level || x.place != slot + 1)
          return "an item of the wheel is linked wrongly";
        if ((due_of(x) >> (slot_bits * level)) % slots != slot)
          return "an item of the wheel hangs in another slot than its own";
      }
    }
  std::size_t hanging = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    hanging += nodes_[i].place != 0 ? 1 : 0;
  if (hanging != listed)
    return "of the wheel's items " + std::to_string(hanging)
           + " hang somewhere, listed are " + std::to_string(listed);
  return {};
}

} // namespace troupe::memory
