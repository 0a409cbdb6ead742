#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Why an entry was removed.
enum class removal_cause : std::uint8_t {
  size,     ///< Evicted: a limit was reached.
  expired,  ///< Its deadline has passed.
  erased,   ///< A caller erased it.
  replaced, ///< Another value was stored under its key.
  tag,      ///< One of its tags was invalidated.
  cleared,  ///< The region was cleared. Reported by sweeps, in the background.
};

/// "size", "expired", "erased", "replaced", "tag" or "cleared".
[[nodiscard]] std::string_view to_string(removal_cause x) noexcept;

/// An entry that was removed.
struct removal {
  std::string key;
  bytes value;
  removal_cause cause = removal_cause::erased;
};

/// Receives removed entries; see `region::on_removal`.
using removal_listener = std::function<void(const removal&)>;

} // namespace troupe
