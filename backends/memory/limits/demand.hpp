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
  bool live = false;          ///< It is alive.
  bool expires = false;       ///< The live entry has a deadline,
  bool idles = false;         ///< or an idle time.
};

/// The most that a turn holds more than now, at any of its steps.
class demand {
public:
  /// Some entries, and the bytes that they are charged.
  struct amount {
    std::size_t bytes = 0;
    std::size_t entries = 0;
  };

  /// What was `before` is now `after`.
  void change(amount before, amount after) noexcept {
    move(bytes_, before.bytes, after.bytes);
    move(entries_, before.entries, after.entries);
  }

  /// A key comes that is not there. Where it was not there either when the turn began,
  /// it is `new_here`: whatever goes, it may take a place in the index that nothing else
  /// leaves to it.
  void insert(bool new_here) noexcept {
    inserts_ = true;
    if (new_here)
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
