#pragma once

#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// The run-time folder of this process's user: `troupe` in $XDG_RUNTIME_DIR, or
/// /tmp/troupe-<user id> when this user has no such directory. Makes it, for its owner
/// only. Errors: `system_error` (it cannot be made; another user owns it, or others may
/// enter it).
[[nodiscard]] expected<std::string> runtime_folder();

/// The run-time folders that exist.
[[nodiscard]] std::vector<std::string> present_folders();

/// Checks that the folder is a directory of this process's user that others can neither
/// read nor enter. Errors: `system_error`, with the reason.
[[nodiscard]] expected<void> check_folder(const std::string& path);

} // namespace troupe::gate
