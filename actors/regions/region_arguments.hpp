#pragma once

// What calls of a region take, apart from keys and options: loaders (`bytes_loader`,
// `bulk_loader`), update functions, items.

#include <functional>
#include <optional>

#include <troupe/actors/loads/bulk_context.hpp>
#include <troupe/actors/loads/load_target.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// Makes a new encoded value from the present one (empty when the key is absent).
/// Returns nothing to erase the key, or to leave it absent. Runs on the calling thread,
/// outside of the shard, possibly several times.
using bytes_updater = std::function<expected<std::optional<bytes>>(
  std::optional<bytes_view> present)>;

/// One item of `region::set_many`; borrowed.
struct key_value {
  bytes_view key;
  bytes_view value;
};

/// `how` with the condition that the key is absent. Errors: `invalid_argument` when it
/// has the opposite condition.
[[nodiscard]] expected<write_options> unless_present(write_options how);

} // namespace troupe
