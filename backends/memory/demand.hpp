#pragma once

// What a turn that stores several values will take of the limits where nothing is
// evicted, so that there is room for all of them before the first one is stored.

#include <algorithm>
#include <cstddef>

namespace troupe::memory {

/// What is under a key, for one who plans to change it.
struct occupancy {
  std::size_t charge = 0;     ///< Bytes charged for the entry, dead or alive.
  std::size_t value_size = 0; ///< Of the live entry.
  std::size_t tag_bytes = 0;  ///< Of the live entry.
  bool linked = false;        ///< There is an entry, dead or alive.
  bool expires = false;       ///< The live entry has a deadline,
  bool idles = false;         ///< or an idle time.
};

/// The most that a turn holds more than now, at any of its steps.
class demand {
public:
  /// An entry that was charged `before` (bytes) is now charged `after`; one that was
  /// not there comes where `comes`, and one that was there goes where `goes`.
  void change(std::size_t before, std::size_t after, bool comes,
              bool goes) noexcept {
    move(bytes_, before, after);
    move(entries_, goes ? 1 : 0, comes ? 1 : 0);
    inserts_ = inserts_ || (comes && !goes);
  }

  /// A key comes that was not there when the turn began: whatever goes, it may take a
  /// place in the index that nothing else leaves to it.
  void take_place() noexcept {
    ++places_;
  }

  /// One with a deadline may come.
  void expire() noexcept {
    expires_ = true;
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.most;
  }

  [[nodiscard]] std::size_t entries() const noexcept {
    return entries_.most;
  }

  /// In the index. No fewer than `entries`. One is for the key that comes back: before
  /// it finds its old place, there must be room for another one.
  [[nodiscard]] std::size_t places() const noexcept {
    return places_ + (inserts_ ? 1 : 0);
  }

  [[nodiscard]] bool expires() const noexcept {
    return expires_;
  }

private:
  /// More than at first: `more` less `fewer` now.
  struct course {
    std::size_t more = 0;
    std::size_t fewer = 0;
    std::size_t most = 0;
  };

  static void move(course& x, std::size_t before, std::size_t after) noexcept {
    // What replaces an entry is there before that is gone, but charged instead of it.
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
