#pragma once

#include <chrono>
#include <vector>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// The form of `write_options` in messages.
struct write_terms {
  /// Zero: the region's TTL.
  std::chrono::milliseconds ttl{0};
  /// Zero: the region's idle time.
  std::chrono::milliseconds idle{0};
  /// Negative: the region's jitter.
  double jitter = -1.0;
  write_condition condition = write_condition::always;
  bool keep_ttl = false;
  /// By name, because `write_options::tags` is meaningful in one process only.
  std::vector<bytes> tags = {};
};

fields<&write_terms::ttl, &write_terms::idle, &write_terms::jitter,
       &write_terms::condition, &write_terms::keep_ttl, &write_terms::tags>
fields_of(const write_terms&);

/// Converts terms to options. Terms may come from another machine, so each is checked.
/// Errors: `invalid_argument`.
[[nodiscard]] expected<write_options> options_of(const write_terms& x);

} // namespace troupe
