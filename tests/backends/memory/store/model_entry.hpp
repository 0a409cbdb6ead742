#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/clock.hpp>

/// What a plain map knows of an entry, to be compared with what a store has.
struct model_entry {
  std::string value;
  std::vector<std::string> tags = {};
  troupe::time_point ttl_end = troupe::never;
  std::optional<std::chrono::milliseconds> idle = std::nullopt;
  troupe::time_point used = {};              ///< When it was used last.
  troupe::time_point expiry = troupe::never; ///< If it is not used again.

  void written(troupe::time_point now) {
    used = now;
    expiry = idle ? std::min(ttl_end, now + *idle) : ttl_end;
  }

  void read(troupe::time_point now) {
    used = now;
    if (!idle || now + *idle <= expiry)
      return;
    const std::chrono::nanoseconds full = *idle;
    expiry = std::min(ttl_end, now + full + full / 64);
  }

  void touched(troupe::time_point now, troupe::time_point end) {
    ttl_end = end;
    if (idle)
      expiry = std::min(end, std::max(expiry, now + *idle));
    else
      expiry = end;
    used = now;
  }

  /// What the documentation promises: it does not expire before its idle time has passed,
  /// and at most a 64th of that later.
  [[nodiscard]] bool keeps_the_promise() const {
    if (!idle)
      return expiry == ttl_end;
    const std::chrono::nanoseconds full = *idle;
    return expiry >= std::min(ttl_end, used + full)
           && expiry <= std::min(ttl_end, used + full + full / 64);
  }
};
