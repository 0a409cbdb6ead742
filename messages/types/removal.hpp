#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Why an entry is not there any more.
enum class removal_cause : std::uint8_t {
  size,     ///< A limit was reached, and it was its turn.
  expired,  ///< Its deadline has passed.
  erased,   ///< Somebody erased it.
  replaced, ///< Another value was stored under its key.
  tag,      ///< One of its tags was invalidated.
  cleared, ///< The region was cleared; told once per shard, without key and value.
};

/// "size", "expired", "erased", "replaced", "tag" or "cleared".
[[nodiscard]] std::string_view to_string(removal_cause x) noexcept;

/// An entry that is gone.
struct removal {
  std::string key;
  bytes value;
  removal_cause cause = removal_cause::erased;
};

/// Is told of entries that are gone; see `region::on_removal`.
using removal_listener = std::function<void(const removal&)>;

} // namespace troupe
