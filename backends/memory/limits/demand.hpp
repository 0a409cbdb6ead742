#pragma once

// How much of the limits a turn that stores several values will take where nothing is
// evicted, so that there is room for all of them before the first one is stored.

#include <algorithm>
#include <cstddef>

namespace troupe::memory {

/// The present state of a key, for a caller that plans to change it.
struct occupancy {
  std::size_t charge = 0;     ///< Bytes charged for the entry, live or expired.
  std::size_t value_size = 0; ///< Of the live entry.
  std::size_t tail_bytes = 0; ///< Of the live entry: its moments and tags.
  bool linked = false;        ///< There is an entry, dead or alive.
  bool live = false;          ///< The entry is live.
  bool expires = false;       ///< The live entry has a deadline,
  bool idles = false;         ///< or an idle time.
};

/// The largest excess of a turn over the present amounts, at any of its steps.
class demand {
public:
  /// A number of entries, and the bytes that they are charged.
  struct amount {
    std::size_t bytes = 0;
    std::size_t entries = 0;
  };

  /// An amount changes from `before` to `after`.
  void change(amount before, amount after) noexcept {
    move(bytes_, before.bytes, after.bytes);
    move(entries_, before.entries, after.entries);
  }

  /// Adds a key that is not present. `new_here`: it was not present when the turn began
  /// either; it may then take a new place in the index, whatever else is removed.
  void insert(bool new_here) noexcept {
    inserts_ = true;
    if (new_here)
      ++places_;
  }

  /// An entry with a deadline may be added.
  void expire() noexcept {
    expires_ = true;
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.most;
  }

  [[nodiscard]] std::size_t entries() const noexcept {
    return entries_.most;
  }

  /// Places in the index; at least `entries`. One is for a key that is stored again:
  /// before it finds its old place, there must be room for another.
  [[nodiscard]] std::size_t places() const noexcept {
    return places_ + (inserts_ ? 1 : 0);
  }

  [[nodiscard]] bool expires() const noexcept {
    return expires_;
  }

private:
  /// The excess over the start: `more` minus `fewer` now.
  struct course {
    std::size_t more = 0;
    std::size_t fewer = 0;
    std::size_t most = 0;
  };

  static void move(course& x, std::size_t before, std::size_t after) noexcept {
    // A new entry is stored before the old one is removed, but is charged instead of
    // it.
    x.more += after;
    x.fewer += before;
    if (x.more > x.fewer)
      x.most = std::max(x.most, x.more - x.fewer);
  }

  course bytes_;
  course entries_;
  std::size_t places_ = 0;
  bool inserts_ = false;
  bool expires_ = false;
};

} // namespace troupe::memory
