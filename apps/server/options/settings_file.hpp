#pragma once

#include <troupe/messages/types/error.hpp>

#include "apps/settings/ini_file.hpp"

namespace troupe::server {

struct server_state;

/// What CONFIG SET may have changed, as options of the ini file, by name.
[[nodiscard]] settings::ini_values settings_of(const server_state& server);

/// CONFIG REWRITE: has the ini file that the server was started with say what
/// holds now. Options that the file names get their present value; those it does
/// not name are added when they were changed since the start. Everything else in
/// the file stays. Errors: `invalid_argument` (there is no file), `system_error`;
/// the file is as it was then.
expected<void> rewrite_settings(const server_state& server);

} // namespace troupe::server
