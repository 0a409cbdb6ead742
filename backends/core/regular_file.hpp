#pragma once

#include <string>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Opens a file for reading. Never waits (as an open of a FIFO would wait for its
/// writer), and accepts only regular files. Errors: `system_error`, with the system's
/// reason, or the kind of file that it is.
[[nodiscard]] expected<unique_descriptor>
open_regular_file(const std::string& path);

} // namespace troupe
