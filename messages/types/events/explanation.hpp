#pragma once

// Why a key is in the state that it is in: the answer of `region::explain`.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/events/key_event.hpp>

namespace troupe {

/// The state of a key at one moment, and its recorded events.
struct explanation {
  enum class state : std::uint8_t {
    missing,
    present,
    expired, ///< Missing; the memory of the expired entry is not yet freed.
    killed,  ///< Missing; the same after one of its tags was invalidated.
  };

  /// A load whose loader runs or waits for a thread.
  struct load {
    std::uint64_t id = 0;
    std::chrono::nanoseconds age{
      0};                ///< 0 when its begin is no longer recorded.
    bool fenced = false; ///< Its result will not be stored.
  };

  state is = state::missing;
  bool updating = false; ///< An update holds the key's lease.
  time_point now;        ///< The moment of the answer.

  // Of the entry; 0 or empty without one.
  version_number version = no_version;
  std::size_t value_size = 0; ///< Bytes.
  std::size_t charge = 0;     ///< Bytes, with key and bookkeeping.

  /// Until the end of its TTL; empty: it has none.
  std::optional<std::chrono::nanoseconds> ttl_left = std::nullopt;

  /// Until it expires if nothing reads or writes it; empty: it has no idle time.
  std::optional<std::chrono::nanoseconds> idle_left = std::nullopt;

  std::vector<bytes> tags = {};
  std::optional<load> in_flight = std::nullopt;

  /// The events that concern the key, newest first, at most
  /// `defaults::explained_events`. Older events may have been dropped.
  std::vector<key_event> events = {};
};

/// "missing", "present", "expired" or "killed".
[[nodiscard]] std::string_view to_string(explanation::state x) noexcept;

/// The explanation in English, one or more whole sentences a line: first the state, then
/// the events, newest first. Printable ASCII. Throws std::bad_alloc.
[[nodiscard]] std::vector<std::string> sentences_of(const explanation& x);

} // namespace troupe
