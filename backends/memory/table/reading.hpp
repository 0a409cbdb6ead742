#pragma once

// The reads of a table: they find an entry and decide whether it lives.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/table/state.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// The layer of `table` for any thread inside an epoch guard.
class table_reading : public table_state {
public:
  /// Calls `f(const entry_view&)` when the key has a live entry; returns whether it has
  /// one. Finds nothing in a table that was stopped.
  template <class F>
  bool read(const hashed_key& key, lookup as, F&& f) const;

  /// An entry that is live or lingers.
  struct usable_entry {
    const entry* item = nullptr; ///< nullptr: there is none.
    entry_view view;
  };

  /// The key's entry, if it is live or lingers. Decides like `read`. The entry lives at
  /// least as long as the guard.
  [[nodiscard]] usable_entry find_usable(const hashed_key& key,
                                         lookup as) const noexcept;

  /// See `index::find`. The entry lives at least as long as the guard.
  [[nodiscard]] const entry* find(const hashed_key& key) const noexcept {
    auto& x = *current_.load(std::memory_order_acquire);
    if (x.era != forgotten_.era()) [[unlikely]]
      return nullptr;
    return x.links.find(key);
  }

  void prefetch_bucket(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_bucket(hash);
  }

  void prefetch_entry(std::uint64_t hash) const noexcept {
    current_.load(std::memory_order_acquire)->links.prefetch_entry(hash);
  }

  /// Prefetches what the next write of a key with this hash will touch.
  void prefetch_for_write(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&size_, 1);
    current_.load(std::memory_order_acquire)
      ->links.prefetch_bucket_for_write(hash);
  }

  /// See `index::scan`. Positions stay valid over a clear; an entry that is put after
  /// it counts as new.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    auto& x = *current_.load(std::memory_order_acquire);
    return x.era == forgotten_.era() ? x.links.scan(from, std::forward<F>(f))
                                     : scan_end;
  }

  static constexpr std::uint64_t scan_end = index::scan_end;

  /// Whether an entry is past its deadline or was killed by a tag. Reads the clock only
  /// when there is a deadline: most reads do without.
  [[nodiscard]] bool dead(const entry& x) const noexcept {
    return expired(x) || (x.tagged() && killed(x));
  }

  /// Whether it is past its deadline.
  [[nodiscard]] bool expired(const entry& x) const noexcept {
    return x.expires() && x.expired(time_.now());
  }

  /// Whether it is past its deadline, and may still answer callers that accept stale
  /// values.
  [[nodiscard]] bool lingers(const entry& x) const noexcept {
    return x.has_moments() && lingers_at(x, time_.now());
  }

  /// For the writer: the view of a live entry, which counts as a use of it; nothing
  /// when it is dead.
  [[nodiscard]] std::optional<entry_view> use(const entry& x) const noexcept {
    return see(newest(), x, lookup::use, now_for(x));
  }

protected:
  using table_state::table_state;

  ~table_reading() = default;

  [[nodiscard]] bool killed(const entry& x) const noexcept {
    return forgotten_.tags().killed(x.born(), x.tags());
  }

  [[nodiscard]] bool lingers_at(const entry& x, time_point now) const noexcept {
    return x.has_moments() && x.expired(now) && now < x.usable_until()
           && !(x.tagged() && killed(x));
  }

  /// The time, if the entry depends on it.
  [[nodiscard]] time_point now_for(const entry& x) const noexcept {
    return x.expires() ? time_.now() : time_point{};
  }

private:
  template <class F>
  [[gnu::noinline]] bool read_any(generation& g, index_slot near,
                                  bytes_view key, std::uint64_t hash, lookup as,
                                  F& f) const;
  [[nodiscard]] std::optional<entry_view>
  see(generation& in, const entry& x, lookup as, time_point now) const noexcept;
  [[nodiscard]] std::optional<entry_view>
  look_closely(bytes_view key, std::uint64_t hash, generation& in,
               const entry& found, lookup as) const noexcept;
};

// -- implementation --------------------------------------------------------------

template <class F>
[[gnu::always_inline]] inline bool table_reading::read(const hashed_key& key,
                                                       lookup as, F&& f) const {
  auto& g = *current_.load(std::memory_order_acquire);
  if (g.era != forgotten_.era()) [[unlikely]]
    return false;
  // The frequent path makes no calls, so that it saves no registers: the fewer
  // instructions a read takes, the earlier the processor starts the cache misses of the
  // next one.
  const auto near = g.links.near(key.hash);
  const auto* item = near.in == nullptr ? nullptr : index::fetch(near);
  if (item == nullptr || !item->bare_with_short_key(key.key)) [[unlikely]]
    return read_any(g, near, key.key, key.hash, as, f);
  g.links.use(near);
  const auto view = item->bare_view(key.key.size());
  f(view);
  return true;
}

/// The slow path of a read, for keys and entries outside of the frequent case. The
/// key's entry may be `near`.
template <class F>
bool table_reading::read_any(generation& g, index_slot near, bytes_view key,
                             std::uint64_t hash, lookup as, F& f) const {
  const auto* item = near.in == nullptr ? nullptr : index::fetch(near);
  if (item != nullptr && item->has_key(key))
    g.links.use(near);
  else if (item = g.links.find({key, hash}); item == nullptr)
    return false;
  entry_view view;
  if (item->plain()) [[likely]]
    view = item->plain_view();
  if (!item->plain()
      || (view.deadline != never && time_.now() >= view.deadline))
    [[unlikely]] {
    auto seen = look_closely(key, hash, g, *item, as);
    if (!seen)
      return false;
    view = *seen;
  }
  f(static_cast<const entry_view&>(view));
  return true;
}

} // namespace troupe::memory
