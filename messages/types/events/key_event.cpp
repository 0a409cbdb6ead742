#include <troupe/messages/types/events/key_event.hpp>

#include <array>
#include <cstddef>

namespace troupe {

std::string_view to_string(key_event_kind x) noexcept {
  static constexpr std::array<std::string_view, 16> names{
    "stored",          "erased",       "moved",
    "tag_invalidated", "cleared",      "namespace_cleared",
    "evicted",         "expired",      "updating",
    "shard_failed",    "load_granted", "load_fenced",
    "load_stored",     "load_refused", "load_empty",
    "load_released"};
  const auto i = static_cast<std::size_t>(x);
  return i < names.size() ? names[i] : "unknown";
}

} // namespace troupe
