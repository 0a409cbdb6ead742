#pragma once

// Shows loads and their circuit breakers: as text for users, and as JSON.

#include <cstddef>
#include <string>

#include <troupe/messages/requests/loads.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// See `table::render` for the width.
[[nodiscard]] std::string text_of(const load_list& x, std::size_t width);
[[nodiscard]] std::string text_of(const breaker_list& x, std::size_t width);

[[nodiscard]] json_object json_of(const load_list& x);
[[nodiscard]] json_object json_of(const breaker_list& x);

} // namespace troupe::console
