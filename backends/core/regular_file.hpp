#pragma once

#include <string>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Opens a file to read it. Never waits, as it would for whoever writes to a FIFO,
/// and takes nothing but regular files. Errors: `system_error`, with the system's
/// reason alone, or what it is instead.
[[nodiscard]] expected<unique_descriptor>
open_regular_file(const std::string& path);

} // namespace troupe
