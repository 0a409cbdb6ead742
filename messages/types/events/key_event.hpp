#pragma once

#include <cstdint>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// What happened to a key, or to all keys of a region. At most 255 kinds.
enum class key_event_kind : std::uint8_t {
  stored,            ///< A value was stored. Recorded only with `record_sets`.
  erased,            ///< A caller erased the entry.
  moved,             ///< A rename moved the entry to another key.
  tag_invalidated,   ///< One of its tags was invalidated.
  cleared,           ///< The region, or the key's shard, was cleared.
  namespace_cleared, ///< The key's namespace was cleared.
  evicted,           ///< A limit was reached.
  expired,           ///< The deadline of the entry has passed.
  updating,          ///< An update took the key's lease.
  shard_failed,      ///< The key's shard crashed too often.
  load_granted,      ///< A load got the key's lease.
  load_fenced,       ///< The lease of a load was voided.
  load_stored,       ///< The result of a load was stored.
  load_refused,      ///< The result of a load was not stored.
  load_empty,        ///< A loader found that there is no value.
  load_released, ///< A load ended without a result: it failed or was cancelled.
};

/// The name of the enumerator: "erased", "load_fenced".
[[nodiscard]] std::string_view to_string(key_event_kind x) noexcept;

/// Whether it is about a load, whose number the event has.
[[nodiscard]] constexpr bool concerns_load(key_event_kind x) noexcept {
  return x >= key_event_kind::load_granted;
}

/// One event of a key, or of all keys of its region.
struct key_event {
  key_event_kind kind = key_event_kind::erased;

  /// Why: of `load_fenced` the change that voided the lease; of `load_refused` what kept
  /// the result from being stored, `load_fenced` when the lease had been voided. For all
  /// others the kind itself.
  key_event_kind cause = key_event_kind::erased;

  /// The version of the key's shard after the event: an entry with a higher version was
  /// stored later. 0: an event of the whole region, which has no version.
  version_number sequence = no_version;

  time_point at;          ///< To within a few milliseconds.
  std::uint64_t load = 0; ///< The number of the load; 0: not about a load.

  /// The name of the tag, or the prefix of the namespace, as far as it was kept.
  bytes name = {};
};

} // namespace troupe
