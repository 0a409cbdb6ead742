#pragma once

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/resp/arguments.hpp"

namespace troupe {

class region;

} // namespace troupe

namespace troupe::server {

// The checks that a region does when it stores a key, a value, or both. A command with
// several keys calls them before it changes the first key. Errors: `key_too_large`,
// `value_too_large`.

expected<void> check_key(const region& db, bytes_view key);
expected<void> check_keys(const region& db, resp::arguments keys);
expected<void> check_value(const region& db, bytes_view value);
expected<void> check_entry(const region& db, bytes_view key, bytes_view value);

} // namespace troupe::server
